// The layers: filters, and activation maps whose pixels can be chosen.
"use strict";

const EDGE = 3;            // between two maps

// One picture of all channels of a tensor, in tiles; a pixel can be chosen.
class Maps {
  constructor(name, title, chosen) {
    this.name = name;
    this.chosen = chosen;
    [this.high, this.wide, this.channels] = about.tensors[name].shape;
    this.flat = this.high * this.wide === 1;
    this.scale = this.flat ? 16 : Math.max(2, Math.min(8, Math.round((chosen ? 84 : 168) / this.wide)));
    this.at = { c: 0, y: 0, x: 0 };
    this.canvas = element("canvas", { className: "maps", tabIndex: chosen ? 0 : -1, role: "img" });
    this.title = title;
    this.canvas.onclick = (event) => this.click(event);
    this.canvas.onkeydown = (event) => this.key(event);
    this.canvas.onfocus = this.canvas.onblur = () => this.draw();
  }

  // How many tiles fit beside each other.
  layOut(width) {
    const size = (this.flat ? this.scale : this.wide * this.scale) + EDGE;
    this.columns = Math.max(1, Math.min(this.channels, Math.floor((width + EDGE) / size)));
    const rows = Math.ceil(this.channels / this.columns);
    this.canvas.width = this.columns * size;
    this.canvas.height = rows * ((this.flat ? this.scale : this.high * this.scale) + EDGE);
  }

  corner(c) {
    const size = this.scale;
    return [(c % this.columns) * (this.wide * size + EDGE),
            Math.floor(c / this.columns) * (this.high * size + EDGE)];
  }

  // `last` is the memory at the end of the run: what differs from it has not been written yet.
  show(space, last, width) {
    const values = tensor(space, this.name);
    const same = last === this.last && width === this.width;
    if (same && values.every((byte, n) => byte === this.values[n])) return;
    if (last !== this.last) this.final = tensor(last, this.name);
    Object.assign(this, { values, last, width });
    this.layOut(width);
    this.draw();
  }

  // Frames the bytes that an output is computed from, in all channels.
  frame(window_) {
    this.window = window_;
    this.draw();
  }

  draw() {
    if (!this.values) return;
    const context = this.canvas.getContext("2d");
    const { zero } = about.tensors[this.name];
    const most = this.values.reduce((most_, byte) => Math.max(most_, Math.abs(byte - zero)), 1);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (let c = 0; c < this.channels; ++c) {
      const values = [];
      for (let n = 0; n < this.high * this.wide; ++n) values.push(this.values[n * this.channels + c] - zero);
      const [x, y] = this.corner(c);
      drawValues(context, values, this.wide, this.high, x, y, this.scale, most);
      this.veil(context, c, x, y);
      context.strokeStyle = "#999";
      context.strokeRect(x + 0.5, y + 0.5, this.wide * this.scale - 1, this.high * this.scale - 1);
    }
    if (this.window) this.drawWindow(context);
    if (this.chosen && (document.activeElement === this.canvas || this.marked)) this.mark(context);
    const { c, y, x } = this.at;
    this.canvas.setAttribute("aria-label", `${this.title}: ${plural(this.channels, "map")} of ${this.wide} by ` +
      `${this.high}` + (this.chosen ? `; at channel ${c}, row ${y}, column ${x}: ${this.value()}. Arrow keys move, ` +
      "Page Up and Page Down change the channel, Enter explains the pixel" : ""));
  }

  // Grey stripes over what is not there yet.
  veil(context, c, left, down) {
    const size = this.scale;
    context.fillStyle = "#b9bec6";
    for (let n = 0; n < this.high * this.wide; ++n) {
      if (this.values[n * this.channels + c] === this.final[n * this.channels + c]) continue;
      const x = left + (n % this.wide) * size, y = down + Math.floor(n / this.wide) * size;
      context.fillRect(x, y, size, size);
      context.fillStyle = "#d9dce1";
      context.fillRect(x, y + (size >> 1), size, Math.max(1, size >> 2));
      context.fillStyle = "#b9bec6";
    }
  }

  drawWindow(context) {
    const { y, x, high, wide } = this.window;
    context.strokeStyle = "#E69F00";
    context.lineWidth = 2;
    for (let c = 0; c < this.channels; ++c) {
      const [left, down] = this.corner(c);
      context.save();
      context.beginPath();
      context.rect(left, down, this.wide * this.scale, this.high * this.scale);
      context.clip();
      context.strokeRect(left + x * this.scale, down + y * this.scale, wide * this.scale, high * this.scale);
      context.restore();
    }
    context.lineWidth = 1;
  }

  value() {
    const { c, y, x } = this.at;
    return this.values[(y * this.wide + x) * this.channels + c];
  }

  mark(context) {
    const [x, y] = this.corner(this.at.c);
    context.lineWidth = 2;
    context.strokeStyle = "#E69F00";
    context.strokeRect(x + this.at.x * this.scale, y + this.at.y * this.scale, this.scale, this.scale);
    context.lineWidth = 1;
  }

  click(event) {
    if (!this.chosen) return;
    const box = this.canvas.getBoundingClientRect();
    const left = (event.clientX - box.left) * this.canvas.width / box.width;
    const down = (event.clientY - box.top) * this.canvas.height / box.height;
    const wide = this.wide * this.scale + EDGE, high = this.high * this.scale + EDGE;
    const column = Math.floor(left / wide), row = Math.floor(down / high);
    const c = row * this.columns + column;
    const x = Math.floor((left - column * wide) / this.scale), y = Math.floor((down - row * high) / this.scale);
    if (c >= this.channels || x >= this.wide || y >= this.high) return;
    this.choose({ c, y, x });
  }

  choose(at) {
    this.at = at;
    this.marked = true;
    this.draw();
    this.chosen(this.at);
  }

  key(event) {
    if (!this.chosen) return;
    const { c, y, x } = this.at;
    const step = { ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0],
                   PageUp: [-1, 0, 0], PageDown: [1, 0, 0] }[event.key];
    if (step) {
      const [dc, dy, dx] = this.flat ? [step[0] + step[1] + step[2], 0, 0] : step;
      const held = (value, size) => Math.max(0, Math.min(size - 1, value));
      this.at = { c: held(c + dc, this.channels), y: held(y + dy, this.high), x: held(x + dx, this.wide) };
      this.draw();
    } else if (event.key === "Enter") this.choose(this.at);
    else return;
    event.preventDefault();
  }
}

// A convolution's filters: a row for each, an input channel beside the other; or one picture in a row
// for each output of a fully connected layer.
function filters(layer) {
  const { conv } = layer;
  const [outputs, high, wide, channels] = conv.shape;
  const most = conv.weights.reduce((most_, weight) => Math.max(most_, Math.abs(weight)), 1);
  const dense = high * wide === 1;
  const scale = dense ? Math.max(1, Math.min(4, Math.floor(640 / channels))) : 4;
  const canvas = element("canvas", { className: "filters", role: "img" });
  const across = dense ? channels * scale : channels * (wide * scale + EDGE);
  const perRow = dense ? 1 : Math.max(1, Math.floor(660 / (across + 4 * EDGE)));
  const tall = dense ? Math.max(1, scale) : high * scale + EDGE;
  canvas.width = dense ? across : perRow * (across + 4 * EDGE);
  canvas.height = Math.ceil(outputs / perRow) * tall;
  canvas.setAttribute("aria-label", `Weights of ${layer.name}: ${outputs} filters of ${high} by ${wide} by ${channels}`);
  const context = canvas.getContext("2d");
  for (let o = 0; o < outputs; ++o) {
    const left = (o % perRow) * (across + 4 * EDGE), down = Math.floor(o / perRow) * tall;
    if (dense) {
      drawValues(context, conv.weights.subarray(o * channels, (o + 1) * channels), channels, 1, left, down, scale, most);
      continue;
    }
    for (let c = 0; c < channels; ++c) {
      const values = [];
      for (let n = 0; n < high * wide; ++n) values.push(conv.weights[(o * high * wide + n) * channels + c]);
      drawValues(context, values, wide, high, left + c * (wide * scale + EDGE), down, scale, most);
    }
  }
  return canvas;
}

const dims = ([high, wide, channels]) => (high * wide === 1 ? `${channels}` : `${wide} × ${high} × ${channels}`);

// Builds the list once; `show` fills it from the machine's memory.
class Layers {
  constructor(explain) {
    this.maps = [];
    const list = byId("layer-list");
    const picture = new Maps(about.input.tensor, "The input", null);
    this.maps.push(picture);
    list.append(element("article", {}, element("h3", {}, "The picture, as the machine's bytes"), picture.canvas,
      element("p", { className: "hint" }, "White is 0, blue is more, orange is less; grey stripes are what the machine has not written yet.")));
    about.layers.forEach((layer, number) => {
      const shape = about.tensors[layer.output].shape;
      const maps = new Maps(layer.output, `Output of ${layer.name}`,
                            layer.explained ? (at) => explain(layer, at) : null);
      this.maps.push(maps);
      layer.maps = maps;
      list.append(element("article", { id: `layer-${number}` },
        element("h3", {}, layer.name),
        element("p", { className: "hint" }, this.words(layer, shape)),
        maps.canvas,
        ...(layer.explained ? [] : [element("p", { className: "hint" }, "How its pixels come about is not shown here.")]),
        ...(layer.conv ? [element("details", {}, element("summary", {}, "Its weights"), filters(layer),
          element("p", { className: "hint" }, "Blue adds to the sum, orange takes from it."))] : [])));
    });
    window.addEventListener("resize", () => this.space && this.show(this.space, this.last));
  }

  words(layer, shape) {
    const parts = [`${layer.op.replaceAll("_", " ").replace("+", " and ")}; output ${dims(shape)}`];
    if (layer.conv) {
      const [outputs, high, wide, channels] = layer.conv.shape;
      parts.push(high * wide === 1 ? `${outputs} outputs of ${channels} inputs each`
        : `${outputs} filters of ${wide} × ${high} × ${channels}`);
    }
    parts.push(`${count(layer.macs)} multiplications`);
    return parts.join(", ") + (layer.unit === "window" ? ", in the window unit" : "");
  }

  show(space, last) {
    Object.assign(this, { space, last });
    const width = byId("layer-list").clientWidth - 26;
    for (const maps of this.maps) maps.show(space, last, width);
  }

  // Frames the window of a layer's output in the layer's input: the convolution's, or the pooling's.
  frame(layer, place) {
    for (const maps of this.maps) if (maps.window) maps.frame(null);
    const { conv, pool } = layer;
    const input = this.maps.find((maps) => maps.name === layer.input);
    if (!input || input.flat) return;
    if (!conv) {
      const [kh, kw] = pool?.kernel ?? [1, 1], [sy, sx] = pool?.stride ?? [1, 1], [top, left] = pool?.padding ?? [0, 0];
      input.frame({ y: place.row * sy - top, x: place.column * sx - left, high: kh, wide: kw });
      return;
    }
    input.frame({
      y: place.row * conv.stride[0] - conv.padding[0], x: place.column * conv.stride[1] - conv.padding[1],
      high: (conv.shape[1] - 1) * conv.dilation[0] + 1, wide: (conv.shape[2] - 1) * conv.dilation[1] + 1,
    });
  }
}
