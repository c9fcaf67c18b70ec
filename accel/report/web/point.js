// One point: what was counted, its machine in full, and the command that estimates it.
"use strict";

// The machine as a file that --machine takes.
function machineFile(row) {
  const lines = [];
  let table = null;
  for (const field of sweep.fields) {
    if (!(field.point in row)) continue;          // what a sweep leaves as it is by default
    if (field.table !== table) lines.push(...(table ? [""] : []), `[${table = field.table}]`);
    lines.push(`# ${field.meaning}`, `${field.name} = ${row[field.point]}`);
  }
  return `${lines.join("\n")}\n`;
}

function showPoint(n) {
  const row = sweep.rows[n], text = machineFile(row);
  const idle = Object.fromEntries(["fill", "weight", "memory", "post", "sync"].map((cause) => [cause, row[cause]]));
  const spent = { busy: row.busy, ...idle };
  const save = element("a", { className: "button", download: sweep.file, id: "save",
                              href: `data:text/plain;charset=utf-8,${encodeURIComponent(text)}` }, `Save ${sweep.file}`);
  const numbers = [["cycles", row.cycles], ["cycles for an image", Math.round(perImage(row))], ["multiplications", row.macs],
    ["of the multipliers used", share(row.utilisation)], ["multipliers", row.pes], ["bytes of data buffers", row.buffer_bytes],
    ["bytes read", row.bytes_read], ["bytes written", row.bytes_written], ["busy cycles of the window unit", row.window_busy]];
  byId("point").replaceChildren(
    element("h3", { id: "point-name" }, `${shape(row)}${row.batch > 1 ? `, batch ${row.batch}` : ""}: ${count(Math.round(perImage(row)))} cycles for an image`),
    element("div", { className: "causes", "aria-hidden": "true" }, ...Object.entries(spent).map(([name, value]) => element("span", {
      style: `width: ${100 * value / row.cycles}%; background: ${CAUSES[name][0]}`, title: `${name}: ${value}` }))),
    element("p", { className: "hint" }, Object.entries(spent).map(([name, value]) => `${name} ${count(value)}`).join(", ")),
    element("table", { id: "figures" }, element("tbody", {}, ...numbers.map(([name, value]) => element("tr", {},
      element("th", { scope: "row" }, name), element("td", { className: "number" }, typeof value === "number" ? count(value) : value))))),
    element("p", {}, "To see it layer by layer:"),
    element("pre", { id: "estimate" }, sweep.commands[n]),
    element("details", { open: sweep.commands[n].includes(sweep.file) }, element("summary", {}, "The machine in full"),
      element("p", {}, save), element("pre", { id: "machine-file" }, text)));
}
