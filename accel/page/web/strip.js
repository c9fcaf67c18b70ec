// The run as a strip, and the buttons that move in it.
"use strict";

// The whole run: what colour the cycles of a column have, with the layers' ends.
class Strip {
  constructor(canvas) {
    this.canvas = canvas;
    this.picture = element("canvas");
  }

  show(done, cycle) {
    const width = this.canvas.clientWidth || 600;
    if (done !== this.done || width !== this.picture.width) {
      this.done = done;
      this.paint(width);
    }
    this.canvas.width = width;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.picture, 0, 0);
    const x = cycle * width / done.log.length;
    context.fillRect(x - 1, 0, 3, this.canvas.height - 14);
    context.beginPath();
    context.moveTo(x - 6, 0);
    context.lineTo(x + 7, 0);
    context.lineTo(x + 0.5, 9);
    context.fill();
  }

  paint(width) {
    Object.assign(this.picture, { width, height: this.canvas.height });
    const context = this.picture.getContext("2d");
    const { log } = this.done;
    const high = this.picture.height - 14;
    for (let x = 0; x < width; ++x) {
      const votes = Array(about.causes.length + 1).fill(0);
      const first = Math.floor(x * log.length / width), last = Math.ceil((x + 1) * log.length / width);
      for (let n = first; n < last; ++n) ++votes[causeOf(log[n])];
      let y = high;
      votes.forEach((vote, number) => {
        if (!number || !vote) return;
        const part = high * vote / (last - first);
        context.fillStyle = CAUSES[about.causes[number - 1]][0];
        context.fillRect(x, y - part, 1, part);
        y -= part;
      });
    }
    this.names(context, width);
  }

  names(context, width) {
    const { log, ends } = this.done;
    context.fillStyle = "#222";
    context.font = "11px system-ui, sans-serif";
    let from = 0;
    ends.forEach((end, number) => {
      const x = end * width / log.length;
      context.fillRect(x - 0.5, 0, 1, this.picture.height);
      const { name } = about.layers[number];
      if (context.measureText(name).width < x - from - 6) context.fillText(name, from + 3, this.picture.height - 3);
      from = x;
    });
  }
}

// Stepping: `machine` is asked, `show(state)` is given what it answers.
class Stepper {
  constructor(machine, show) {
    this.machine = machine;
    this.show = show;
    this.busy = false;
    this.playing = false;
    byId("forward").onclick = () => this.forward();
    byId("back").onclick = () => this.back();
    byId("first").onclick = () => this.seek(1);
    byId("last").onclick = () => this.seek(this.done.cycle);
    byId("play").onclick = () => this.play(!this.playing);
    byId("slider").oninput = (event) => this.seek(Number(event.target.value));
    const strip = byId("strip");
    const place = (event) => this.seek(Math.max(1, Math.round(event.offsetX * this.done.cycle / strip.clientWidth)));
    strip.onpointerdown = (event) => { strip.setPointerCapture(event.pointerId); place(event); };
    strip.onpointermove = (event) => { if (event.buttons) place(event); };
    this.strip = new Strip(strip);
    window.addEventListener("resize", () => this.done && this.strip.show(this.done, this.state.cycle));
    byId("strip-legend").append(...about.causes.map((name) => element("span", {},
      element("i", { className: "chip", style: `background: ${CAUSES[name][0]}` }), name)));
  }

  // A picture has been computed: its run is what is stepped through from now on.
  begin(done) {
    this.play(false);
    this.done = done;
    this.stops = {
      vector: cyclesWith(done.log, LOG.issued), tile: cyclesWith(done.log, LOG.swap), layer: done.ends,
    };
    const slider = byId("slider");
    slider.max = done.cycle;
    slider.min = 1;
    this.shown(done);
  }

  shown(state) {
    this.state = state;
    byId("slider").value = state.cycle;
    byId("cycle").textContent = count(state.cycle);
    this.strip.show(this.done, state.cycle);
    this.show(state, this.done);
  }

  // One question at a time; while one waits, only the newest place asked for is remembered.
  async ask(what, details) {
    if (this.busy) { this.next = [what, details]; return; }
    this.busy = true;
    const { done } = this;
    try {
      const state = await this.machine.ask(what, details);
      if (done === this.done) this.shown(state);
    } finally {
      this.busy = false;
    }
    const next = this.next;
    this.next = null;
    if (next) await this.ask(...next);
  }

  seek(cycle) { return this.ask("seek", { cycle: Math.max(1, Math.min(this.done.cycle, cycle)) }); }

  forward() {
    const unit = byId("unit").value;
    if (unit === "cycle") return this.seek(this.state.cycle + 1);
    return this.seek(this.stops[unit].find((cycle) => cycle > this.state.cycle) ?? this.done.cycle);
  }

  back() {
    const unit = byId("unit").value;
    if (unit === "cycle") return this.seek(this.state.cycle - 1);
    return this.seek(this.stops[unit].findLast((cycle) => cycle < this.state.cycle) ?? 1);
  }

  async play(on) {
    if (on === this.playing) return;
    this.playing = on;
    byId("play").textContent = on ? "Pause" : "Play";
    byId("play").setAttribute("aria-pressed", on);
    byId("now").setAttribute("aria-live", on ? "off" : "polite");   // nobody can listen that fast
    while (this.playing && this.state.cycle < this.done.cycle) {
      await this.forward();
      await new Promise((resolve) => { setTimeout(resolve, 120); });
    }
    if (this.playing) this.play(false);
  }
}
