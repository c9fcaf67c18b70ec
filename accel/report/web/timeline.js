// The first batch from its first to its last cycle, down to single spans of each engine.
"use strict";

const LANE = 24, HEAD = 20, NAMES = 70;

class Timeline {
  constructor(choose) {
    const { timeline, engines } = about.report;
    this.canvas = byId("timeline");
    this.choose = choose;
    let before = 0;
    const layers = timeline.map((one) => { const span = [before, one.end, one.name]; before = one.end; return span; });
    this.lanes = [["layers", layers], ...Object.entries(engines ?? {}).filter(([, spans]) => spans.length)];
    this.end = Math.max(1, before, ...this.lanes.flatMap(([, spans]) => (spans.length ? [spans.at(-1)[1]] : [])));
    this.canvas.height = HEAD + LANE * this.lanes.length;
    this.canvas.setAttribute("aria-label", `Timeline of ${layers.length} layers in ${count(this.end)} cycles; lanes: ` +
      this.lanes.map(([name]) => name).join(", "));
    this.all();
    this.listen();
  }

  all() { this.from = 0; this.to = this.end; this.draw(); }

  px(cycle) { return NAMES + (cycle - this.from) / (this.to - this.from) * (this.canvas.width - NAMES); }

  cycleAt(x) { return this.from + (x - NAMES) / (this.canvas.width - NAMES) * (this.to - this.from); }

  draw() {
    const { canvas } = this;
    canvas.width = canvas.clientWidth || 800;
    const context = canvas.getContext("2d");
    context.font = "11px system-ui, sans-serif";
    const step = 10 ** Math.floor(Math.log10((this.to - this.from) / 4));
    context.fillStyle = "#555b66";
    for (let tick = Math.ceil(this.from / step) * step; tick <= this.to; tick += step) {
      const x = this.px(tick);
      context.fillRect(x, HEAD - 5, 1, 5);
      const words = count(tick);
      if (tick % (5 * step) === 0 || (this.to - this.from) / step < 8) context.fillText(words, x + 3, HEAD - 7);
    }
    this.lanes.forEach(([name, spans], lane) => {
      const y = HEAD + lane * LANE;
      context.fillStyle = lane % 2 ? "#f3f5f8" : "#fff";
      context.fillRect(0, y, canvas.width, LANE);
      spans.forEach(([begin, end, words], n) => {
        if (end < this.from || begin > this.to) return;
        const left = Math.max(NAMES, this.px(begin)), right = Math.max(left + 1, this.px(end));
        context.fillStyle = lane === 0 ? ["#0072b2", "#56b4e9"][n % 2] : "#009e73";
        context.fillRect(left, y + 3, right - left - (lane === 0 ? 0.5 : 0), LANE - 6);
        if (!words || right - left < 40) return;
        context.fillStyle = lane === 0 && n % 2 === 0 ? "#fff" : "#111";
        let text = words;
        while (text && context.measureText(text).width > right - left - 8) text = text.slice(0, -1);
        context.fillText(text, left + 4, y + 16);
      });
      context.fillStyle = "#14171c";
      context.fillText(name, 4, y + 16);
    });
    byId("time-at").textContent = `cycles ${count(Math.round(this.from))} to ${count(Math.round(this.to))}`;
  }

  zoom(factor, at = (this.from + this.to) / 2) {
    const size = Math.max(20, Math.min(this.end, (this.to - this.from) / factor));
    const part = (at - this.from) / (this.to - this.from);
    this.move(at - part * size, size);
  }

  move(from, size = this.to - this.from) {
    this.from = Math.max(0, Math.min(this.end - size, from));
    this.to = this.from + size;
    this.draw();
  }

  listen() {
    const { canvas } = this;
    byId("time-in").onclick = () => this.zoom(2);
    byId("time-out").onclick = () => this.zoom(1 / 2);
    byId("time-all").onclick = () => this.all();
    canvas.onwheel = (event) => { event.preventDefault(); this.zoom(event.deltaY < 0 ? 1.25 : 0.8, this.cycleAt(event.offsetX)); };
    canvas.onpointermove = (event) => {
      if (event.buttons) this.move(this.from - event.movementX * (this.to - this.from) / (canvas.width - NAMES));
      this.tell(event);
    };
    canvas.onclick = (event) => {
      const found = this.at(event);
      const number = found ? about.report.layers.findIndex((row) => row.name === found[2]) : -1;
      if (number >= 0) this.choose(number);
    };
    canvas.onkeydown = (event) => {
      const part = (this.to - this.from) / 10;
      const does = { "+": () => this.zoom(2), "-": () => this.zoom(1 / 2), ArrowLeft: () => this.move(this.from - part),
                     ArrowRight: () => this.move(this.from + part), 0: () => this.all() }[event.key];
      if (does) { does(); event.preventDefault(); }
    };
    window.addEventListener("resize", () => this.draw());
  }

  at(event) {
    const [, spans] = this.lanes[Math.floor((event.offsetY - HEAD) / LANE)] ?? [];
    const cycle = this.cycleAt(event.offsetX);
    return spans?.find(([begin, end]) => begin <= cycle && cycle <= end);
  }

  tell(event) {
    const found = this.at(event);
    const [name] = this.lanes[Math.floor((event.offsetY - HEAD) / LANE)] ?? [""];
    byId("time-what").textContent = found
      ? `${found[2] ?? name}: cycles ${count(found[0])} to ${count(found[1])}, ${count(found[1] - found[0])} in all` : "";
  }
}
