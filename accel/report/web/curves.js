// Curves over the epochs of a training run.
"use strict";

let trained = null;           // what accel/report/train_page.py packs

// Colours that people with any kind of colour vision can tell apart, and dashes where they come again.
const LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"];
const DASHES = ["none", "7 4", "2 3", "9 3 2 3"];

// Values to write at an axis from `low` to `top`: 1, 2 or 5 times a power of ten, or of all powers.
function ticksOf(low, top, log) {
  if (log) {
    const powers = Array.from({ length: Math.floor(top) - Math.ceil(low) + 1 }, (_, n) => 10 ** (Math.ceil(low) + n));
    const fine = [...new Set(powers.concat([10 ** Math.floor(low)]).flatMap((power) => [power, 2 * power, 5 * power]))]
      .filter((value) => low <= Math.log10(value) && Math.log10(value) <= top).sort((a, b) => a - b);
    const each = Math.max(1, Math.ceil(powers.length / 6));
    return powers.length > 2 ? powers.filter((_, n) => n % each === 0) : fine;
  }
  const rough = (top - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  return Array.from({ length: Math.floor(top / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1 }, (_, n) => step * (Math.ceil(low / step - 1e-9) + n));
}

// A chart of series {name, values}, one value for each epoch; null where there is none.
function chart(id, title, series, { log = false, low, top, words }) {
  const values = series.flatMap((one) => one.values).filter((value) => value !== null);
  const box = byId(id);
  box.append(element("h3", {}, title));
  if (!values.length) { box.append(element("p", { className: "hint" }, "There is nothing to draw.")); return; }
  log = log && Math.min(...values) > 0;
  const turn = log ? Math.log10 : (value) => value;
  let from = low ?? turn(Math.min(...values)), to = top ?? turn(Math.max(...values));
  const margin = (to - from) * 0.05 || Math.abs(from) * 0.05 || 0.5;
  if (low === undefined) from -= margin;
  if (top === undefined) to += margin;
  const wide = Math.max(260, Math.min(620, box.clientWidth)), high = 250, edge = 58, count_ = trained.epochs.length;
  const px = (n) => (count_ === 1 ? (edge + wide - 12) / 2 : edge + n / (count_ - 1) * (wide - edge - 16));
  const py = (value) => 10 + (to - turn(value)) / (to - from) * (high - 52);
  const parts = ticksOf(from, to, log).flatMap((value) => [
    drawn("line", { class: "grid", x1: edge, x2: wide - 12, y1: py(value), y2: py(value) }),
    drawn("text", { x: edge - 6, y: py(value) + 4, "text-anchor": "end" }, words(value))]);
  const each = Math.ceil(count_ / 10);
  trained.epochs.forEach((epoch, n) => {
    if (n % each === 0) parts.push(drawn("text", { x: px(n), y: high - 24, "text-anchor": "middle" }, String(epoch.epoch)));
  });
  parts.push(drawn("text", { x: (edge + wide) / 2, y: high - 6, "text-anchor": "middle" }, "epoch"));
  series.forEach((one, k) => {
    const colour = LINES[k % LINES.length], dash = DASHES[Math.floor(k / LINES.length) % DASHES.length];
    const points = one.values.map((value, n) => [n, value]).filter(([, value]) => value !== null && (!log || value > 0));
    const line = points.map(([n, value]) => `${px(n).toFixed(1)} ${py(value).toFixed(1)}`);
    parts.push(drawn("path", { class: "curve", stroke: colour, "stroke-dasharray": dash, d: line.length ? `M${line.join("L")}` : "M0 0" }));
    for (const [n, value] of points) {
      parts.push(drawn("circle", { class: "curve-dot", fill: colour, r: count_ > 60 ? 1.5 : 3, cx: px(n), cy: py(value) },
        drawn("title", {}, `${one.name}, epoch ${trained.epochs[n].epoch}: ${words(value)}`)));
    }
  });
  box.append(drawn("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": `${title} over ${plural(count_, "epoch")}` }, ...parts));
  box.append(element("div", { className: "legend" }, ...series.map((one, k) => element("span", {},
    drawn("svg", { width: 22, height: 8, viewBox: "0 0 22 8", style: "display: inline; width: 22px", "aria-hidden": "true" },
      drawn("path", { d: "M0 4H22", stroke: LINES[k % LINES.length], "stroke-width": 3, "stroke-dasharray": DASHES[Math.floor(k / LINES.length) % DASHES.length] })),
    ` ${one.name}`))));
}

const short = (value) => (value && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? value.toExponential(1) : String(+value.toPrecision(4)));
const share = (value) => `${+(100 * value).toFixed(2)} %`;

// At most a dozen lines of a chart, from the first layer to the last.
const MOST_LINES = 12;
function few(id, names) {
  if (names.length <= MOST_LINES) return names;
  byId(id).append(element("p", { className: "hint" }, `${MOST_LINES} of ${names.length}, from the first layer to the last; the table has all.`));
  return Array.from({ length: MOST_LINES }, (_, n) => names[Math.round(n * (names.length - 1) / (MOST_LINES - 1))]);
}

function showCurves() {
  const { epochs } = trained, of = (key) => epochs.map((epoch) => epoch[key]);
  const both = (key) => [{ name: "training", values: of(key) }, { name: "held back", values: of(`held_back_${key}`) }];
  chart("loss", "Loss", both("loss"), { log: true, words: short });
  chart("accuracy", "Accuracy", both("accuracy"), { words: share });
  // Of an earlier version's epochs there are no gradients.
  const norms = [...new Set(epochs.flatMap((epoch) => Object.keys(epoch.gradient_norms ?? {})))];
  const weights = norms.length > MOST_LINES ? norms.filter((name) => name.endsWith(".weights")) : norms;
  chart("gradients", "Mean length of the gradients",
    few("gradients", weights).map((name) => ({ name, values: epochs.map((epoch) => epoch.gradient_norms?.[name] ?? null) })), { log: true, words: short });
  const layers = Object.keys(epochs.at(-1).dead_relus);
  chart("dead", "Units that no gradient passes (dying ReLUs)",
    few("dead", layers).map((name) => ({ name, values: epochs.map((epoch) => epoch.dead_relus[name][0] / (epoch.dead_relus[name][1] || 1)) })),
    { low: 0, top: 1, words: share });
}

// Every number of history.json, as it is there.
function showEpochs() {
  const names = ["epoch", "iterations", "learning_rate", "loss", "held_back_loss", "accuracy", "held_back_accuracy"];
  const nested = (key, made) => Object.keys(trained.epochs.at(-1)[key] ?? {}).map((name) => [`${key}/${name}`, made(name), (epoch) => epoch[key]?.[name] ?? null]);
  const columns = [...names.map((name) => [name, name.replaceAll("_", " "), (epoch) => epoch[name]]),
    ...nested("dead_relus", (name) => `${name}: dead of all`), ...nested("gradient_norms", (name) => `gradient of ${name}`)];
  const words = (value) => (value === null ? "–" : Array.isArray(value) ? value.join(" of ") : Number.isInteger(value) ? count(value) : short(value));
  byId("epoch-table").append(element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": "Epochs" }, element("table", {},
    element("thead", {}, element("tr", {}, ...columns.map(([, title]) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...trained.epochs.map((epoch, n) => element("tr", { "data-row": n }, ...columns.map(([key, , of]) =>
      element("td", { className: "number", "data-key": key, "data-value": JSON.stringify(of(epoch)) }, words(of(epoch))))))))));
}
