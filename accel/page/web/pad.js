// The picture: drawn, opened from a file, or one that came with the network.
"use strict";

class Pad {
  // `changed(bytes, name)` is called with every new picture, as the network's own bytes.
  constructor(changed) {
    [this.high, this.wide, this.channels] = about.tensors[about.input.tensor].shape;
    this.canvas = byId("pad");
    this.changed = changed;
    this.drawable = this.channels === 1;
    this.values = new Float32Array(this.high * this.wide * this.channels);   // 0 to 1
    this.cursor = { x: this.wide >> 1, y: this.high >> 1, shown: false };
    this.canvas.width = this.wide;
    this.canvas.height = this.high;
    this.describe("empty");
    byId("pad-hint").textContent = this.drawable
      ? "Draw with mouse or finger; or with the keyboard: arrow keys move, Space draws, Delete clears."
      : "This network looks at colour pictures: open one, or take one of those below.";
    byId("clear").hidden = !this.drawable;
    byId("clear").onclick = () => this.clear();
    byId("file").onchange = (event) => this.open(event.target.files[0]);
    if (this.drawable) this.listen();
    this.show();
  }

  describe(what) {
    this.canvas.setAttribute("aria-label", `The picture, ${this.wide} by ${this.high} pixels: ${what}`);
  }

  listen() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * this.wide,
              (event.clientY - box.top) / box.height * this.high];
    };
    let last = null;
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      if (this.sample) this.clear(false);
      last = at(event);
      this.stroke(last, last);
    };
    this.canvas.onpointermove = (event) => {
      if (!last) return;
      const now = at(event);
      this.stroke(last, now);
      last = now;
    };
    this.canvas.onpointerup = this.canvas.onpointercancel = () => { last = null; };
    this.canvas.onkeydown = (event) => this.key(event);
    this.canvas.onblur = () => { this.cursor.shown = false; this.show(); };
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (move) {
      this.cursor.x = Math.max(0, Math.min(this.wide - 1, this.cursor.x + move[0]));
      this.cursor.y = Math.max(0, Math.min(this.high - 1, this.cursor.y + move[1]));
      this.cursor.shown = true;
      this.show();
    } else if (event.key === " ") {
      if (this.sample) this.clear(false);
      const place = [this.cursor.x + 0.5, this.cursor.y + 0.5];
      this.stroke(place, place);
    } else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else return;
    event.preventDefault();
  }

  // A soft brush of some two pixels along a line.
  stroke([x0, y0], [x1, y1]) {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)));
    const radius = this.wide / 28 * 1.3;
    for (let n = 0; n <= steps; ++n) {
      const x = x0 + (x1 - x0) * n / steps, y = y0 + (y1 - y0) * n / steps;
      for (let row = Math.floor(y - radius - 1); row <= y + radius + 1; ++row) {
        for (let column = Math.floor(x - radius - 1); column <= x + radius + 1; ++column) {
          if (row < 0 || column < 0 || row >= this.high || column >= this.wide) continue;
          const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
          const ink_ = Math.max(0, Math.min(1, radius + 0.5 - far));
          const place = row * this.wide + column;
          this.values[place] = Math.max(this.values[place], ink_);
        }
      }
    }
    this.describe("what you drew");
    this.show();
    this.give("your picture");
  }

  clear(tell = true) {
    this.values.fill(0);
    this.sample = null;
    this.describe("empty");
    this.show();
    if (tell) this.give("an empty picture");
  }

  async open(file) {
    if (!file) return;
    let picture;
    try {
      picture = await createImageBitmap(file);
    } catch {
      problem(`${file.name} is no picture that this browser can open.`);
      return;
    }
    const small = element("canvas", { width: this.wide, height: this.high });
    const context = small.getContext("2d");
    const scale = Math.min(this.wide / picture.width, this.high / picture.height);
    context.drawImage(picture, (this.wide - picture.width * scale) / 2,
                      (this.high - picture.height * scale) / 2, picture.width * scale,
                      picture.height * scale);
    const { data } = context.getImageData(0, 0, this.wide, this.high);
    for (let n = 0; n < this.wide * this.high; ++n) {
      const [red, green, blue] = data.slice(4 * n, 4 * n + 3);
      const grey = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
      if (this.channels === 1) this.values[n] = grey;
      else this.values.set([red / 255, green / 255, blue / 255], 3 * n);
    }
    // Digits are light on dark here; one on white paper is turned round.
    if (this.channels === 1 && this.values.reduce((a, b) => a + b) > this.values.length / 2) {
      this.values = this.values.map((value) => 1 - value);
    }
    this.sample = null;
    this.describe("the one you opened");
    this.show();
    this.give(file.name);
  }

  // One that came with the network: its bytes are used as they are.
  take(sample, name) {
    const { scale, zero } = about.tensors[about.input.tensor];
    const { low, high, dtype } = about.input;
    sample.bytes.forEach((byte, n) => {
      const value = dtype === "uint8" ? byte + 128 : dtype === "int8" ? byte : (byte - zero) * scale;
      this.values[n] = (value - low) / ((high - low) || 1);
    });
    this.sample = sample;
    this.describe(name);
    this.show();
    this.changed(sample.bytes, name);
  }

  give(name) {
    const { low, high } = about.input;
    const values = this.drawable && !this.sample ? this.centred() : this.values;
    this.changed(Int8Array.from(values, (value) => quantised(low + value * (high - low))), name);
  }

  // A drawing, moved so that its middle lies in the middle: so were the digits it learned from.
  centred() {
    let total = 0, down = 0, across = 0;
    this.values.forEach((value, n) => {
      total += value;
      down += value * Math.floor(n / this.wide);
      across += value * (n % this.wide);
    });
    if (!total) return this.values;
    const dy = Math.round(this.high / 2 - 0.5 - down / total);
    const dx = Math.round(this.wide / 2 - 0.5 - across / total);
    const moved = new Float32Array(this.values.length);
    this.values.forEach((value, n) => {
      const y = Math.floor(n / this.wide) + dy, x = n % this.wide + dx;
      if (y >= 0 && x >= 0 && y < this.high && x < this.wide) moved[y * this.wide + x] = value;
    });
    return moved;
  }

  show() {
    drawPicture(this.canvas, this.values, this.high, this.wide, this.channels);
    if (this.cursor.shown) {
      const context = this.canvas.getContext("2d");
      context.fillStyle = "#E69F00";
      context.fillRect(this.cursor.x, this.cursor.y, 1, 1);
    }
  }
}

// Values from 0 to 1 as grey, or red, green and blue.
function drawPicture(canvas, values, high, wide, channels) {
  const picture = new ImageData(wide, high);
  for (let n = 0; n < high * wide; ++n) {
    for (let c = 0; c < 3; ++c) {
      picture.data[4 * n + c] = 255 * values[n * channels + Math.min(c, channels - 1)];
    }
    picture.data[4 * n + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function showSamples(pad) {
  const [high, wide, channels] = about.tensors[about.input.tensor].shape;
  byId("samples-hint").hidden = !about.samples.length;
  about.samples.forEach((sample, n) => {
    sample.bytes = new Int8Array(fromBase64(sample.pixels).buffer);
    const name = sample.label === null ? `picture ${n + 1}` : `picture ${n + 1}, of class ${sample.label}`;
    const canvas = element("canvas", { width: wide, height: high });
    const low = Math.min(...sample.bytes), span = Math.max(...sample.bytes) - low || 1;
    drawPicture(canvas, Float32Array.from(sample.bytes, (byte) => (byte - low) / span), high, wide, channels);
    const button = element("button", { type: "button", title: name, "aria-label": `Take ${name}` }, canvas);
    button.onclick = () => pad.take(sample, name);
    byId("samples").append(button);
  });
}
