// The points of a sweep: which are shown, in a table that can be sorted.
"use strict";

let sweep = null;             // what accel/report/sweep_page.py packs

const MOST_ROWS = 300;        // of a table: thousands take seconds to lay out

const perImage = (row) => row.cycles / row.batch;
const share = (value) => `${(100 * value).toFixed(1)} %`;
const shape = (row) => `${row.rows}x${row.cols}`;
const bytes = (size) => (size >= 1 << 20 ? `${+(size / (1 << 20)).toFixed(2)} MiB` : `${+(size / 1024).toFixed(2)} KiB`);

// What a point can be placed and sorted by.
const MEASURES = {
  pes: { title: "multipliers", of: (row) => row.pes, words: (value) => count(value), log: true, binary: true },
  buffer_bytes: { title: "data buffers", of: (row) => row.buffer_bytes, words: bytes, log: true, binary: true },
  cycles_per_image: { title: "cycles for an image", of: perImage, words: (value) => count(Math.round(value)), log: true },
  cycles: { title: "cycles", of: (row) => row.cycles, words: (value) => count(value), log: true },
  utilisation: { title: "of the multipliers used", of: (row) => row.utilisation, words: share, more: true },
  bytes_moved: { title: "bytes moved for an image", of: (row) => (row.bytes_read + row.bytes_written) / row.batch,
                 words: (value) => count(Math.round(value)), log: true },
};

// The fields that differ between points; the array is one.
function axes(rows) {
  const names = [...new Set(sweep.fields.map((field) => field.point)), "batch"].filter((name) => name !== "rows" && name !== "cols");
  const found = [{ name: "array", of: shape }, ...names.map((name) => ({ name, of: (row) => row[name] }))];
  for (const axis of found) {
    axis.values = [...new Map(rows.map((row) => [axis.of(row), axis.name === "array" ? row.rows * row.cols + row.rows / 1e4 : axis.of(row)]))]
      .sort((a, b) => a[1] - b[1]).map(([value]) => value);
  }
  return found.filter((axis) => axis.values.length > 1 || axis.name === "array");
}

class Filter {
  constructor(found, changed) {
    this.hidden = new Map(found.map((axis) => [axis, new Set()]));
    byId("fields").append(...found.map((axis) => element("fieldset", { "data-field": axis.name },
      element("legend", {}, axis.name.replaceAll("_", " ")), ...axis.values.map((value) => {
        const box = element("input", { type: "checkbox", checked: true, value: String(value) });
        box.onchange = () => { this.hidden.get(axis)[box.checked ? "delete" : "add"](value); changed(); };
        return element("label", {}, box, ` ${value}`);
      }))));
  }

  shows(row) { return [...this.hidden].every(([axis, values]) => !values.has(axis.of(row))); }
}

class PointTable {
  constructor(found, choose) {
    this.choose = choose;
    this.columns = [...found.map((axis) => [axis.name, axis.name.replaceAll("_", " "), axis.of, (value) => String(value)]),
      ...Object.entries(MEASURES).map(([name, one]) => [name, one.title, one.of, one.words]),
      ["pareto", "beaten by none", (row) => row.pareto, (value) => (value ? "yes" : "")]];
    this.by = "cycles_per_image";
    this.down = false;
    this.body = element("tbody");
    this.heads = this.columns.map(([name, title]) => {
      const button = element("button", { type: "button" }, title);
      button.onclick = () => { this.down = this.by === name && !this.down; this.by = name; this.show(this.numbers); };
      return element("th", { scope: "col", "data-column": name }, button);
    });
    this.note = element("p", { className: "hint" });
    byId("point-table").append(this.note, element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": "Points" },
      element("table", {}, element("thead", {}, element("tr", {}, ...this.heads)), this.body)));
  }

  show(numbers) {
    this.numbers = numbers;
    const [, , of] = this.columns.find(([name]) => name === this.by);
    const number = (value) => (typeof value === "string" ? value.split("x").reduce((a, b) => a * b, 1) : Number(value));
    const order = [...numbers].sort((a, b) => (number(of(sweep.rows[a])) - number(of(sweep.rows[b]))) * (this.down ? -1 : 1) || a - b);
    for (const head of this.heads) {
      head.setAttribute("aria-sort", head.dataset.column !== this.by ? "none" : this.down ? "descending" : "ascending");
    }
    this.body.replaceChildren(...order.slice(0, MOST_ROWS).map((n) => this.row(n)));
    this.note.textContent = order.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${count(order.length)} in this order.` : "";
    this.mark(this.chosen);
  }

  row(n) {
    const cells = this.columns.map(([name, , of, words], place) => {
      const value = of(sweep.rows[n]);
      const text = place ? words(value) : element("button", { type: "button" }, words(value));
      return element(place ? "td" : "th", { "data-key": name, "data-value": JSON.stringify(value ?? null),
                                            className: typeof value === "number" ? "number" : "" }, text);
    });
    cells[0].setAttribute("scope", "row");
    const made = element("tr", { "data-row": n }, ...cells);
    made.onclick = () => this.choose(n);
    return made;
  }

  mark(number) {
    this.chosen = number;
    for (const row of this.body.rows) row.classList.toggle("chosen", Number(row.dataset.row) === number);
  }
}
