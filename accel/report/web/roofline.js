// The roofline: what array and memory allow, and how near each layer comes (accel/report/roofline.py).
"use strict";

class Roofline {
  constructor(choose) {
    const { report } = about;
    const peak = report.array.rows * report.array.cols, rate = report.memory.bytes_per_cycle;
    this.dots = new Map();
    const points = report.layers.map((row, number) => ({ row, number }))
      .filter(({ row }) => row.where === "array" && row.macs && row.bytes_read + row.bytes_written)
      .map(({ row, number }) => {
        const moved = row.bytes_read + row.bytes_written;
        return { row, number, x: row.macs / moved, y: row.macs / Math.max(row.own_cycles, moved / rate) };
      });
    if (!points.length) { byId("roofline").append(element("p", { className: "hint" }, "No layer of the array multiplies.")); return; }
    const log = Math.log2, wide = 900, high = 420, edge = 56;
    const left = Math.floor(log(Math.min(...points.map((one) => one.x), peak / rate))) - 0.5;
    const right = Math.ceil(log(Math.max(...points.map((one) => one.x), peak / rate))) + 1;
    const low = Math.floor(log(Math.min(...points.map((one) => one.y)))) - 0.5, top = log(peak) + 0.7;
    const px = (x) => edge + (log(x) - left) / (right - left) * (wide - edge - 20);
    const py = (y) => high - edge + (low - log(y)) / (top - low) * (high - edge - 16);
    const parts = [];
    for (let x = Math.ceil(left); x <= right; ++x) {
      parts.push(drawn("line", { class: "grid", x1: px(2 ** x), x2: px(2 ** x), y1: 16, y2: high - edge }),
                 drawn("text", { x: px(2 ** x), y: high - edge + 18, "text-anchor": "middle" }, String(2 ** x)));
    }
    for (let y = Math.ceil(low); y <= top; ++y) {
      parts.push(drawn("line", { class: "grid", x1: edge, x2: wide - 20, y1: py(2 ** y), y2: py(2 ** y) }),
                 drawn("text", { x: edge - 6, y: py(2 ** y) + 4, "text-anchor": "end" }, String(2 ** y)));
    }
    parts.push(drawn("path", { class: "roof", d: `M${px(2 ** left)} ${py(rate * 2 ** left)}L${px(peak / rate)} ${py(peak)}L${wide - 20} ${py(peak)}` }),
      drawn("text", { x: wide - 24, y: py(peak) - 6, "text-anchor": "end" }, `the array: ${peak} a cycle`),
      drawn("text", { x: (edge + wide) / 2, y: high - 12, "text-anchor": "middle" }, "multiplications for each byte moved"),
      drawn("text", { transform: `translate(14 ${high / 2}) rotate(-90)`, "text-anchor": "middle" }, "multiplications a cycle"));
    const most = Math.max(...points.map((one) => one.row.own_cycles), 1);
    for (const { row, number, x, y } of points) {
      const dot = drawn("circle", { class: "dot", cx: px(x), cy: py(y), r: 4 + 12 * Math.sqrt(row.own_cycles / most) },
        drawn("title", {}, `${row.name}: ${y.toFixed(1)} multiplications a cycle, ${x.toFixed(1)} a byte`));
      dot.onclick = () => choose(number);
      this.dots.set(number, dot);
      parts.push(dot);
    }
    byId("roofline").append(drawn("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img",
      "aria-label": `Roofline of ${points.length} layers; the numbers are in the table above` }, ...parts));
  }

  mark(number) { this.dots.forEach((dot, n) => dot.classList.toggle("chosen", n === number)); }
}
