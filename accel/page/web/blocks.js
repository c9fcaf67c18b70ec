// The stopped machine: a picture and a sentence for each of its blocks.
"use strict";

// From a vector's bytes at the array's edge to the multiplier of its first cell.
const MULTIPLIES = 2;
// From a vector's issue to the cycle in which the line buffer's banks have their rows' numbers.
const BANK_READ = 3;

function block(id, title, sentence, ...content) {
  return element("article", { id: `block-${id}`, className: "block" }, element("h3", {}, title),
    element("p", { className: "hint" }, sentence), ...content);
}

// Which vector is which pixel of which layer, by its number.
class Vectors {
  constructor() {
    this.execs = [];
    for (const layer of about.layers) {
      for (const block_ of layer.blocks ?? []) {
        for (const exec of block_.execs) this.execs.push({ layer, block: block_, exec });
      }
    }
    this.execs.sort((a, b) => a.exec.vector - b.exec.vector);
  }

  find(vector) {
    const found = this.execs.findLast(({ exec }) => exec.vector <= vector);
    if (!found) return null;
    const { layer, block: block_, exec } = found;
    const tile = Math.floor((vector - exec.vector) / block_.count);
    const tiles = Math.ceil(exec.fields.k / about.machine.rows);
    if (tile >= tiles) return null;
    const number = (vector - exec.vector) % block_.count + block_.first;
    return {
      layer, exec, tile, tiles,
      y: block_.y + Math.floor(number / block_.width), x: block_.x + number % block_.width,
      channels: [block_.channel, block_.channel + block_.cols - 1],
    };
  }

  words(vector) {
    const one = this.find(vector);
    if (!one) return `vector ${count(vector)}`;
    const [first, last] = one.channels;
    return `vector ${count(vector)}: ${one.layer.name}, row ${one.y}, column ${one.x}, weight tile ${one.tile + 1} of ` +
      `${one.tiles}, for channels ${first} to ${last}`;
  }

  // What a vector's lane holds: a place of the layer's input, or null where the last tile is not full.
  lane(one, lane) {
    const { conv } = one.layer;
    const i = one.tile * about.machine.rows + lane;
    if (i >= one.exec.fields.k) return null;
    const { ky, kx, c } = tapOf(one.exec, i);
    return { i, c, row: one.y * conv.stride[0] - conv.padding[0] + ky * conv.dilation[0],
             column: one.x * conv.stride[1] - conv.padding[1] + kx * conv.dilation[1] };
  }
}

class Blocks {
  constructor() {
    this.vectors = new Vectors();
    const { rows, cols } = about.machine;
    this.cells = [];
    const grid = element("div", { className: rows * cols > 64 ? "array dense" : "array", id: "array", role: "grid",
                                  "aria-label": `The array: ${rows} rows of ${cols} cells` });
    grid.style.setProperty("--cols", cols);
    for (let r = 0; r < rows; ++r) {
      const line = element("div", { role: "row", className: "array-row" });
      for (let c = 0; c < cols; ++c) {
        const cell = element("button", { type: "button", className: "cell", role: "gridcell" },
          ...["activation", "weight", "shadow", "sum"].map((name) => element("span", { className: name })));
        cell.onclick = () => { this.chosen = [r, c]; this.tellCell(); };
        this.cells.push(cell);
        line.append(cell);
      }
      grid.append(line);
    }
    byId("blocks").append(
      block("array", "The systolic array", "Bytes travel to the right, sums travel down. Each cell multiplies its byte " +
        "(top left) by its weight (top right) and adds the product to the sum that comes from above (bottom). Small, in " +
        "brackets: the shadow weight, loaded while the other works. Framed cells take their shadow weight in this " +
        "cycle: the swap runs through the array as a wave, a cycle ahead of the first vector that needs it. Pale cells " +
        "hold what no vector brought.", grid, element("p", { id: "cell", className: "now", role: "status" })),
      block("buffer", "The line buffer", "A byte at address a lies in bank a mod R, so a vector's bytes, whatever the kernel, " +
        "lie in different banks: the compiler chose the distance of the rows so. Each bank reads one byte a cycle, and " +
        "all lanes get theirs at once.", element("div", { id: "banks" })),
      block("port", "The memory's port", "Addresses are asked for ahead of use; each channel moves when both sides are ready.",
        element("div", { id: "port" })),
      block("sums", "The accumulators", "Two banks of sums, a line for each pixel of a block and a column for each output " +
        "channel. One is filled by the array, the other is read by post-processing.", element("div", { id: "sums", className: "figures" })),
      block("post", "Post-processing and pooling", "Sums become bytes and, where the layer pools, go through windows: a slot " +
        "for each window that is open in a row of pixels, with the largest byte so far.", element("div", { id: "post" })),
      block("queues", "The engines and their queues", "Every engine runs its own commands in order; a command waits until " +
        "others have done what it needs.", element("div", { id: "queues" })),
      block("weights", "The weight loader", "Streams the tiles of weights from memory ahead of use and puts the next one into " +
        "the shadow weights, a row a cycle, while the array works with the one before.", element("div", { id: "weights" })),
      block("counters", "The counters", "The machine counts itself: every cycle is charged to one cause.", element("div", { id: "counters" })),
    );
  }

  show(state, done) {
    this.state = state;
    if (done !== this.done) {
      this.done = done;
      this.numberOf = new Map(cyclesWith(done.log, LOG.issued).map((cycle, n) => [cycle, n]));
    }
    this.array();
    this.tellCell();
    this.banks();
    this.sums();
    this.weights();
    this.post();
    this.queues();
    this.port();
    this.counters();
    byId("now").textContent = this.sentence();
  }

  // The vector that cell (r, c) multiplies in this cycle, or undefined.
  vectorAt(r, c) {
    const { IM2COL_LATENCY } = about.machine.latencies;
    return this.numberOf.get(this.state.cycle - IM2COL_LATENCY - MULTIPLIES - r - c);
  }

  swapsAt(r, c) {
    const { IM2COL_LATENCY } = about.machine.latencies;
    const cycle = this.state.cycle - IM2COL_LATENCY - r - c;
    return cycle > 0 && Boolean(this.done.log[cycle - 1] & LOG.swap);
  }

  sentence() {
    const { state, done } = this;
    const flags = done.log[state.cycle - 1];
    const name = about.causes[causeOf(done.log[state.cycle + 1] ?? 0) - 1];
    const what = flags & LOG.issued ? `The exec engine issues ${this.vectors.words(this.numberOf.get(state.cycle))}.`
      : `No vector is issued` + (name && name !== "busy" ? `; the cycle is charged to ${name}: ${CAUSES[name][2]}.` : ".");
    return what + (flags & LOG.swap ? " It is the first of a weight tile: the weights swap." : "");
  }

  array() {
    const { rows, cols } = about.machine;
    const activation = registers(this.state, "activation"), weight = registers(this.state, "weight");
    const shadow = registers(this.state, "shadow");
    const sum = [...registers(this.state, "first_sum"), ...registers(this.state, "sum")];
    this.values = { activation, weight, shadow, sum };
    const most = sum.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    this.cells.forEach((cell, n) => {
      const r = Math.floor(n / cols), c = n % cols;
      const vector = this.vectorAt(r, c);
      const [first, second, third, last] = cell.children;
      [[first, activation[n], 128], [second, weight[n], 128], [last, sum[n], most]].forEach(([part, value, full]) => {
        const colour = signedColour(value, full);
        part.textContent = value;
        part.style.background = css(colour);
        part.style.color = ink(colour);
      });
      third.textContent = `(${shadow[n]})`;
      cell.classList.toggle("idle", vector === undefined);
      cell.classList.toggle("swaps", this.swapsAt(r, c));
      cell.classList.toggle("followed", vector !== undefined && vector === this.followed);
      cell.setAttribute("aria-label", `row ${r}, column ${c}: byte ${activation[n]}, weight ${weight[n]}, shadow ` +
        `weight ${shadow[n]}, sum ${sum[n]}${this.swapsAt(r, c) ? ", swaps" : ""}`);
    });
    this.rows = rows;
  }

  tellCell() {
    if (!this.chosen || !this.values) {
      byId("cell").textContent = "Choose a cell to read what it does.";
      return;
    }
    const [r, c] = this.chosen;
    const n = r * about.machine.cols + c;
    const { activation, weight, shadow, sum } = this.values;
    const vector = this.vectorAt(r, c);
    byId("cell").textContent = `Row ${r}, column ${c}: multiplies ${activation[n]} by ${weight[n]}, which is ` +
      `${activation[n] * weight[n]}; that reaches the sum in three cycles. Now the sum is ${count(sum[n])}, the next ` +
      `weight ${shadow[n]}. ` + (vector === undefined ? "No vector is here: what it holds is not used."
        : `It works on ${this.vectors.words(vector)}.`);
  }

  banks() {
    const { rows } = about.machine;
    const reads = registers(this.state, "bank_read")[0], first = registers(this.state, "first_bank")[0];
    const banked = registers(this.state, "bank_row");
    // A vector's banks are read three cycles after it was issued.
    const vector = this.numberOf.get(this.state.cycle - BANK_READ);
    const one = vector === undefined ? null : this.vectors.find(vector);
    const lines = [...Array(rows).keys()].map((bank) => {
      const at = banked[bank];
      const lane = (bank - first + rows) % rows;
      const byte = registers(this.state, `buffer${bank}`)[at];
      const place = one && this.vectors.lane(one, lane);
      return reads ? row(bank, lane, at, at * rows + bank, byte, place ? `${place.row}, ${place.column}, ${place.c}` : "")
        : row(bank, "", "", "", "", "");
    });
    byId("banks").replaceChildren(
      table("What each bank reads", ["bank", "for lane", "bank's row", "address", "byte",
        "input row, column, channel"], lines),
      element("p", { className: "hint" }, reads
        ? `${rows} lanes, ${rows} different banks: lane 0 is in bank ${first}, the others follow.` +
          (one ? ` They are ${this.vectors.words(vector)}.` : "") : "No vector is being read in this cycle."));
  }

  sums() {
    const { rows, cols } = about.machine;
    const depth = about.machine.bank_rows;
    const adding = registers(this.state, "adding");     // valid, first, done, bank, slot (2 bits), row
    const filling = Array.from(adding, (tag) => ({ valid: tag & 1, bank: tag >> 3 & 1, row: tag >> 6 }));
    const now = filling.find((tag) => tag.valid);
    const reading = registers(this.state, "reading")[0], readBank = registers(this.state, "read_bank")[0];
    const shown = Math.min(depth, 128);
    byId("sums").replaceChildren(...[0, 1].map((bank) => {
      const columns = SUMS().map((c) => registers(this.state, `sums${bank}_${c}`));
      const most = columns.reduce((all, column) => column.reduce((a, b) => Math.max(a, Math.abs(b)), all), 1);
      const scale = 3;
      const canvas = element("canvas", { width: shown * scale, height: cols * 8, role: "img" });
      const context = canvas.getContext("2d");
      const across = columns.map((column) => Array.from(column.subarray(0, shown)));
      const picture = element("canvas", { width: shown, height: cols });
      drawValues(picture.getContext("2d"), across.flat(), shown, cols, 0, 0, 1, most);
      context.imageSmoothingEnabled = false;
      context.drawImage(picture, 0, 0, shown * scale, cols * 8);
      filling.forEach((tag, c) => {
        if (!tag.valid || tag.bank !== bank || tag.row >= shown) return;
        context.strokeStyle = "#000";
        context.strokeRect(tag.row * scale - 0.5, c * 8 + 0.5, scale + 1, 7);
      });
      const role = now && now.bank === bank ? `is being filled, pixel ${now.row}`
        : reading && readBank === bank ? `is being read, ${plural(reading, "pixel")} left` : "waits";
      canvas.setAttribute("aria-label", `Bank ${bank} ${role}`);
      return element("figure", {}, canvas, element("figcaption", {}, `Bank ${bank} ${role}` +
        (depth > shown ? `; its first ${shown} of ${depth} pixels` : "")));
    }));
    this.depth = rows;
  }

  weights() {
    const [valid, number] = registers(this.state, "weight_row");
    byId("weights").replaceChildren(element("p", {}, valid
      ? `Row ${number} of the next tile enters the array; it reaches column c after c cycles.`
      : "No row enters the array in this cycle."));
  }

  post() {
    const { cols } = about.machine;
    const levels = [["requantised pixels that wait", "requantised"], ["partly pooled, in a row", "row_results"],
                    ["pooled, on their way to memory", "pooled"]];
    const layer = this.currentLayer();
    const parts = [element("ul", {}, ...levels.map(([words, name]) => element("li", {},
      `${words}: ${registers(this.state, name)[0]}`)))];
    const open = layer?.pool ? Math.ceil(layer.pool.kernel[1] / layer.pool.stride[1]) : 0;
    if (open) {
      const lines = [...Array(open).keys()].map((slot) => row(slot, ...SUMS().map((c) =>
        field(this.state, "windows", slot, 17 * c, 17)), field(this.state, "windows", slot, 17 * cols, 8) & 255));
      parts.push(table(`Open windows of ${layer.name}`, ["slot", ...SUMS().map((c) => `column ${c}`), "pixels"], lines));
    } else parts.push(element("p", { className: "hint" }, "The layer that is under way does not pool here."));
    byId("post").replaceChildren(...parts);
  }

  // The layer whose end is the next to come.
  currentLayer() {
    const number = this.done.ends.findIndex((end) => end > this.state.cycle);
    return number < 0 ? null : about.layers[number];
  }

  queues() {
    const held = registers(this.state, "held"), done = registers(this.state, "done");
    const { queue_depth: depth } = about.machine;
    const does = {
      load: "fetches rows of the input into the line buffer", weights: "fetches weights and parameters",
      exec: "issues vectors", post: "requantises, pools and stores", wload: "fetches for the window unit",
      wparam: "fetches the window unit's weights", window: "computes windows beside the array",
    };
    byId("queues").replaceChildren(table("Commands", ["engine", "", "waiting", "done"], about.queues.map((name, n) => {
      const finished = about.done.indexOf(name);
      return element("tr", {}, element("th", { scope: "row" }, name), element("td", { className: "hint" }, does[name]),
        element("td", {}, element("meter", { min: 0, max: depth, value: held[n] }), ` ${held[n]} of ${depth}`),
        element("td", { className: "number" }, finished < 0 ? "" : count(done[finished])));
    })));
  }

  port() {
    const [ar, arAt, arBeats, r, aw, awAt, awBeats, w, b] = this.state.port;
    const words = (bits) => ["quiet", "asked for, waits", "ready, quiet", "moves"][bits] ?? "";
    const handshake = (bits) => words(bits & 1 ? (bits & 2 ? 3 : 1) : bits & 2 ? 2 : 0);
    const lines = [
      row("read address", handshake(ar), ar & 1 ? `${plural(arBeats, "beat")} from ${arAt}: ${this.region(arAt)}` : ""),
      row("read data", handshake(r), ""),
      row("write address", handshake(aw), aw & 1 ? `${plural(awBeats, "beat")} to ${awAt}: ${this.region(awAt)}` : ""),
      row("write data", handshake(w), ""),
      row("write answer", handshake(b), ""),
    ];
    byId("port").replaceChildren(table("AXI4 channels", ["channel", "in this cycle", ""], lines));
  }

  region(address) {
    const { start, commands } = about.program;
    if (address >= start && address < start + 64 * commands) return "commands";
    for (const [name, place] of Object.entries(about.tensors)) {
      const [high] = place.shape;
      if (address >= place.address - 15 && address < place.address + high * place.row) return `tensor ${name}`;
    }
    if (about.layers.some((layer) => address >= layer.mark && address < layer.mark + 64)) return "a layer's counters";
    return "weights and parameters";
  }

  counters() {
    const values = registers(this.state, "counters");
    const lines = about.counted.map((name, n) => element("tr", { "data-counter": name, "data-value": values[n] },
      element("th", { scope: "row" }, name.replaceAll("_", " ")), element("td", { className: "number" }, count(values[n]))));
    lines.push(element("tr", { "data-counter": "macs", "data-value": Number(registers(this.state, "macs")[0]) },
      element("th", { scope: "row" }, "multiplications"),
      element("td", { className: "number" }, count(registers(this.state, "macs")[0]))));
    byId("counters").replaceChildren(table("After this cycle", ["counter", ""], lines));
  }
}
