// The scatter of points over two measures, with the front of those that none beats in both.
"use strict";

// Colours that people with any kind of colour vision can tell apart, and shapes where they come again.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"];
const MARKS = ["M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0Z", "M-4-4H4V4H-4Z", "M0-5L5 4H-5Z", "M0-6L5 0L0 6L-5 0Z", "M0 5L5-4H-5Z"];

class Scatter {
  constructor(arrays, choose) {
    this.arrays = arrays;
    this.choose = choose;
    byId("legend").append(...arrays.map((name, n) => element("span", {},
      drawn("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" }, this.mark_(n)), ` ${name}`)));
  }

  mark_(n) {
    return drawn("path", { d: MARKS[Math.floor(n / COLOURS.length) % MARKS.length], fill: COLOURS[n % COLOURS.length] });
  }

  show(numbers, across, up) {
    byId("scatter").replaceChildren();
    this.dots = new Map();
    if (!numbers.length) return;
    const wide = Math.max(280, Math.min(1060, byId("scatter").clientWidth)), high = Math.min(460, 160 + wide / 2), x = MEASURES[across], y = MEASURES[up];
    const py = this.scale(numbers, y, high - 56, 20, 34);
    // Room for the title, which stands upright, and the longest number beside it.
    const edge = 32 + 7.5 * Math.max(...py.ticks.map((value) => y.words(value).length));
    const px = this.scale(numbers, x, edge, wide - 24, 70);
    const grid = [
      ...px.ticks.flatMap((value) => [drawn("line", { class: "grid", x1: px.at(value), x2: px.at(value), y1: 20, y2: high - 56 }),
        drawn("text", { x: px.at(value), y: high - 38, "text-anchor": "middle" }, x.words(value))]),
      ...py.ticks.flatMap((value) => [drawn("line", { class: "grid", x1: edge, x2: wide - 24, y1: py.at(value), y2: py.at(value) }),
        drawn("text", { x: edge - 8, y: py.at(value) + 4, "text-anchor": "end" }, y.words(value))]),
      drawn("text", { x: (edge + wide) / 2, y: high - 14, "text-anchor": "middle" }, x.title),
      drawn("text", { transform: `translate(14 ${high / 2 - 20}) rotate(-90)`, "text-anchor": "middle" }, y.title),
    ];
    const front = this.front(numbers, x, y);
    const steps = front.map((n, k) => `${k ? `H${px.at(x.of(sweep.rows[n]))}V` : `M${px.at(x.of(sweep.rows[n]))} `}${py.at(y.of(sweep.rows[n]))}`);
    const dots = numbers.map((n) => this.dot(n, px.at(x.of(sweep.rows[n])), py.at(y.of(sweep.rows[n])), x, y));
    byId("scatter").append(drawn("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "data-front": JSON.stringify(front),
      "aria-label": `${y.title} over ${x.title} of ${numbers.length} machines; the numbers are in the table below` },
      ...grid, drawn("path", { class: "front", d: steps.join("") || "M0 0" }), ...dots));
    this.mark(this.chosen);
  }

  dot(n, left, top, x, y) {
    const row = sweep.rows[n], made = this.mark_(this.arrays.indexOf(shape(row)));
    made.setAttribute("class", row.pareto ? "point best" : "point");
    made.setAttribute("transform", `translate(${left.toFixed(2)} ${top.toFixed(2)})`);
    made.dataset.row = n;
    made.append(drawn("title", {}, `${shape(row)}: ${y.words(y.of(row))} ${y.title}, ${x.words(x.of(row))} ${x.title}`));
    made.onclick = () => this.choose(n);
    this.dots.set(n, made);
    return made;
  }

  // A measure's places between two pixels, and values to write there.
  scale(numbers, measure, from, to, room) {
    const values = numbers.map((n) => measure.of(sweep.rows[n])), turn = measure.log ? Math.log2 : (value) => value;
    let low = turn(Math.min(...values)), top = turn(Math.max(...values));
    const margin = (top - low) * 0.06 || (measure.log ? 0.5 : 0.05);
    low -= margin; top += margin;
    const at = (value) => from + (turn(value) - low) / (top - low) * (to - from);
    const fits = (ticks) => ticks.every((tick, n) => !n || Math.abs(at(tick) - at(ticks[n - 1])) >= room);
    const within = (ticks) => ticks.filter((tick) => low <= turn(tick) && turn(tick) <= top);
    return { at, ticks: this.ladders(measure, low, top).map(within).find((ticks) => ticks.length > 1 && fits(ticks))
                        ?? [Math.min(...values)] };
  }

  // Values to write at an axis, from many to few.
  ladders(measure, low, top) {
    if (!measure.log) return [8, 4, 2].map((count) => Array.from({ length: count + 1 }, (_, n) => low + n * (top - low) / count));
    const powers = (base, each, factors) => Array.from({ length: 64 / Math.log2(base) }, (_, n) => n).filter((n) => n % each === 0)
      .flatMap((n) => factors.map((factor) => factor * base ** n));
    return measure.binary ? [1, 2, 3, 4, 6].map((each) => powers(2, each, [1]))
      : [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1]].map((factors) => powers(10, 1, factors)).concat([powers(10, 2, [1])]);
  }

  // Those that no other shown one beats: none is as good in both measures and better in one.
  front(numbers, x, y) {
    const cost = (measure, n) => (measure.more ? -1 : 1) * measure.of(sweep.rows[n]);
    const order = [...numbers].sort((a, b) => cost(x, a) - cost(x, b) || cost(y, a) - cost(y, b) || a - b);
    let best = Infinity;
    return order.filter((n) => (cost(y, n) < best ? (best = cost(y, n), true) : false));
  }

  mark(number) {
    this.chosen = number;
    this.dots?.forEach((dot, n) => dot.classList.toggle("chosen", n === number));
  }
}
