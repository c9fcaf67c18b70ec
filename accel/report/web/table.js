// Totals, causes, the machine, and the table of layers: report.json's own numbers.
"use strict";

let about = null;             // {report, layers, made}: accel/report/page.py

const share = (value) => `${(100 * value).toFixed(1)} %`;

function line(body, name, value, key) {
  const cell = element("td", { className: "number" }, typeof value === "number" ? count(value) : String(value ?? "–"));
  const made = element("tr", {}, element("th", { scope: "row" }, name), cell);
  if (key) { made.dataset.key = key; made.dataset.value = JSON.stringify(value); }
  body.append(made);
}

function showTotals() {
  const { report } = about;
  const { total } = report;
  const body = byId("totals").tBodies[0];
  line(body, "multiplications", total.macs, "macs");
  line(body, "cycles", total.cycles, "cycles");
  line(body, "busy cycles of the array", total.busy, "busy");
  line(body, "busy cycles of the window unit", total.window_busy, "window_busy");
  line(body, "bytes that differ from golden", total.mismatches, "mismatches");
  for (const [name, key] of [["of all multipliers' cycles used", "utilisation"], ["of it by the array's layers", "array_utilisation"],
                             ["of the network's work on the machine", "machine_share"]]) {
    if (!(key in total)) continue;
    line(body, name, share(total[key]));
    body.lastChild.dataset.key = key;
    body.lastChild.dataset.value = JSON.stringify(total[key]);
  }
  showBus(body);
  line(body, "seconds of the simulation", Number(report.simulation.seconds.toFixed(3)));
  const counted = { busy: total.busy, ...total.idle };
  byId("causes").append(...Object.entries(counted).map(([name, value]) => element("span", {
    style: `width: ${100 * value / total.cycles}%; background: ${CAUSES[name][0]}`, title: `${name}: ${value}` })));
  byId("cause-table").tBodies[0].append(...Object.entries(counted).map(([name, value]) => element("tr", {
    "data-cause": name, "data-value": value },
    element("th", { scope: "row" }, element("i", { className: "chip", style: `background: ${CAUSES[name][0]}` }), name),
    element("td", { className: "number" }, count(value)), element("td", { className: "number" }, percent(value, total.cycles)),
    element("td", { className: "hint" }, CAUSES[name][2]))));
}

// What passed the bus; of a DRAM its rows, and the same with a memory without banks.
function showBus(body) {
  const { bus, ideal, memory } = about.report;
  if (!bus) return;
  const bursts = bus.read_bursts + bus.write_bursts;
  line(body, "beats on the bus", bus.read_beats + bus.write_beats);
  line(body, "bursts of them", bursts);
  line(body, "beats a burst", bus.beats_per_burst.toFixed(1));
  for (const [name, one] of Object.entries(bus.engines ?? {})) {
    if (one.bursts) line(body, `beats a burst of ${name}`, (one.beats / one.bursts).toFixed(1));
  }
  if (!("row_hits" in bus)) return;
  line(body, `bursts that hit an open row of ${memory.dram}`, percent(bus.row_hits, bursts));
  if (!ideal) return;
  line(body, `cycles with an ideal memory of ${ideal.bytes_per_cycle} bytes a cycle`, ideal.cycles);
  line(body, "of all multipliers' cycles used by the array's layers with it", share(ideal.array_utilisation));
}

function showMachine() {
  const { report } = about;
  const fields = (id, what, values) => {
    const body = byId(id).tBodies[0];
    byId(id).prepend(element("caption", {}, what));
    for (const [name, value] of Object.entries(values)) line(body, name.replaceAll("_", " "), value === null ? "–" : String(value));
  };
  fields("machine", `Machine ${report.machine?.name ?? ""}`, report.machine?.params ?? report.array);
  fields("memory", "The memory behind it", report.machine?.memory ?? report.memory);
}

const COLUMNS = [
  ["op", "operation", (row) => row.op.replaceAll("_", " ").replaceAll("+", " and ")],
  ["output_shape", "output", (row) => row.output_shape.join(" × ")],
  ["where", "where", (row) => row.where],
  ["macs", "multiplications", (row) => count(row.macs)],
  ["cycles", "cycles", (row) => count(row.cycles)],
  ["own_cycles", "own cycles", (row) => count(row.own_cycles)],
  ["own_utilisation", "used", (row) => (row.where === "host" ? "–" : share(row.own_utilisation))],
  ["bound", "bound by", (row) => row.bound],
  ["bytes_read", "bytes read", (row) => count(row.bytes_read)],
  ["bytes_written", "written", (row) => count(row.bytes_written)],
  ["mismatches", "differ", (row) => (row.mismatches === null ? "–" : count(row.mismatches))],
];

function showLayers(choose) {
  const rows = about.report.layers.map((row, number) => {
    const name = element("button", { type: "button", title: row.name }, row.name);
    const made = element("tr", { "data-row": number }, element("th", { scope: "row" }, name),
      ...COLUMNS.map(([key, , words]) => element("td", {
        "data-key": key, "data-value": JSON.stringify(row[key] ?? null),
        className: typeof row[key] === "number" ? "number" : "" }, words(row))));
    made.onclick = () => choose(number);
    return made;
  });
  byId("layer-table").append(element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": "Layers" },
    element("table", {}, element("thead", {}, element("tr", {}, ...["layer", ...COLUMNS.map(([, title]) => title)]
      .map((title) => element("th", { scope: "col" }, title)))), element("tbody", {}, ...rows))));
}
