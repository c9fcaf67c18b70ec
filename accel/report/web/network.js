// The network as a graph that can be moved, zoomed and clicked; dagre finds the places.
"use strict";

const clipped = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

class Network {
  constructor(choose) {
    const { layers } = about.report;
    const number = new Map(layers.map((row, n) => [row.name, n]));
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 30 });
    graph.setDefaultEdgeLabel(() => ({}));
    layers.forEach((row, n) => graph.setNode(String(n), { width: 190, height: 48 }));
    layers.forEach((row, n) => {
      for (const name of row.inputs ?? []) if (number.has(name) && number.get(name) !== n) graph.setEdge(String(number.get(name)), String(n));
    });
    dagre.layout(graph);
    this.size = graph.graph();
    this.nodes = layers.map((row, n) => this.box(row, graph.node(String(n)), () => choose(n)));
    const edges = graph.edges().map((edge) => drawn("path", { class: "edge", "marker-end": "url(#arrow)",
      d: graph.edge(edge).points.map(({ x, y }, n) => `${n ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ") }));
    this.svg = drawn("svg", { role: "group", "aria-label": `The network: ${layers.length} layers` },
      drawn("defs", {}, drawn("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
        drawn("path", { d: "M0 0L8 4L0 8z", fill: "#8a919c" }))), ...edges, ...this.nodes);
    byId("graph").append(this.svg);
    this.all();
    this.listen();
  }

  box(row, { x, y, width, height }, choose) {
    const most = Math.max(...about.report.layers.map((one) => one.own_cycles || one.cycles), 1);
    const part = (row.own_cycles || row.cycles) / most;
    const left = x - width / 2, top = y - height / 2;
    const made = drawn("g", { class: "node", tabindex: 0, role: "button",
                              "aria-label": `${row.name}: ${row.op}, ${count(row.cycles)} cycles` },
      drawn("rect", { x: left, y: top, width, height, ...(row.where === "host" ? { class: "host" } : {}) }),
      drawn("rect", { class: "share", x: left + 8, y: top + height - 9, width: Math.max(0, part * (width - 16)), height: 4 }),
      drawn("text", { x: left + 8, y: top + 17, "font-weight": 600 }, clipped(row.name, 23)),
      drawn("text", { x: left + 8, y: top + 33, fill: "#555b66" }, clipped(`${row.op} ${row.output_shape.join("×")}`, 28)));
    made.onclick = choose;
    made.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { choose(); event.preventDefault(); } };
    return made;
  }

  all() {
    const box = byId("graph");
    const wide = Math.max(this.size.width, 1) + 20, high = Math.max(this.size.height, 1) + 20;
    // Of a long network, its beginning: so that its names can be read.
    const scale = Math.max(Math.min(box.clientWidth / wide, box.clientHeight / high), Math.min(0.6, box.clientWidth / wide));
    this.view = { x: -10 - Math.max(0, (box.clientWidth / scale - wide) / 2), y: -10, scale };
    this.show();
  }

  show() {
    const box = byId("graph");
    const { x, y, scale } = this.view;
    this.svg.setAttribute("viewBox", `${x} ${y} ${box.clientWidth / scale} ${box.clientHeight / scale}`);
  }

  zoom(factor, px = byId("graph").clientWidth / 2, py = byId("graph").clientHeight / 2) {
    const { x, y, scale } = this.view;
    const next = Math.max(0.03, Math.min(4, scale * factor));
    this.view = { x: x + px / scale - px / next, y: y + py / scale - py / next, scale: next };
    this.show();
  }

  listen() {
    const box = byId("graph");
    byId("graph-in").onclick = () => this.zoom(1.4);
    byId("graph-out").onclick = () => this.zoom(1 / 1.4);
    byId("graph-all").onclick = () => this.all();
    box.onwheel = (event) => {
      event.preventDefault();
      const place = box.getBoundingClientRect();
      this.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - place.left, event.clientY - place.top);
    };
    box.onpointermove = (event) => {
      if (!event.buttons) return;
      this.view.x -= event.movementX / this.view.scale;
      this.view.y -= event.movementY / this.view.scale;
      this.show();
    };
    window.addEventListener("resize", () => this.show());
  }

  mark(number) { this.nodes.forEach((node, n) => node.classList.toggle("chosen", n === number)); }
}
