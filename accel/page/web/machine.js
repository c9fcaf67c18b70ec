// The machine, seen from the page: what the worker answers, and what it means.
"use strict";

let about = null;         // what accel/page/network.py says of network, machine and program

const LOG = { issued: 1, swap: 2, read: 4, write: 8 };
const causeOf = (flags) => flags >> 4;       // 0: the machine does not run; else a number of causes

class Machine {
  constructor() {
    const source = new Blob([byId("worker-source").textContent], { type: "text/javascript" });
    // A classic worker: browsers refuse module workers to pages that were opened from a file.
    this.worker = new Worker(URL.createObjectURL(source));
    this.waiting = new Map();
    this.number = 0;
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) reject(new Error(data.error));
      else resolve(data);
    };
  }

  ask(what, details = {}) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, what, ...details });
    });
  }

  async load() {
    const last = Object.values(about.places).reduce((a, b) => (a.offset > b.offset ? a : b));
    await this.ask("load", {
      code: await unpacked("module-data"),
      program: { ...about.program, timeout: about.machine.timeout_cycles },
      layers: about.layers.map((layer) => layer.mark),
      gathered: last.offset + last.size * last.count,
    });
  }
}

// The registers of a group (accel/page/probes.py): places are multiples of 8, so they are an array.
function registers(state, name) {
  const { offset, size, count: length, signed } = about.places[name];
  const kinds = signed ? { 1: Int8Array, 2: Int16Array, 4: Int32Array }
    : { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array };
  return new kinds[size](state.registers.buffer, state.registers.byteOffset + offset, length);
}

// Bits low to low + width - 1 of entry `n` of a group of wide registers, as a signed number.
function field(state, name, n, low, width) {
  const { offset, size } = about.places[name];
  let value = 0n;
  for (let at = size - 1; at >= 0; --at) {
    value = value << 8n | BigInt(state.registers[offset + n * size + at]);
  }
  return Number(BigInt.asIntN(width, value >> BigInt(low)));
}

const SUMS = () => [...Array(about.machine.cols).keys()];

// A tensor in the machine's memory: int8 [height][width][channel], in a row.
function tensor(space, name) {
  const { address, shape: [high, wide, channels], pixel, row } = about.tensors[name];
  const values = new Int8Array(high * wide * channels);
  const memory = new Int8Array(space.buffer, space.byteOffset, space.length);
  let n = 0;
  for (let y = 0; y < high; ++y) {
    for (let x = 0; x < wide; ++x) {
      for (let c = 0; c < channels; ++c) values[n++] = memory[address + y * row + x * pixel + c];
    }
  }
  return values;
}

// The numbers of the cycles with a flag in the log: the n-th cycle's byte is log[n - 1].
function cyclesWith(log, flag) {
  const found = [];
  log.forEach((flags, n) => { if (flags & flag) found.push(n + 1); });
  return found;
}

// The machine's counters, as the host read them: STATUS, WHERE, then a record.
function counters(values) {
  return Object.fromEntries(Object.entries(about.record).map(([name, n]) => [name, values[2 + n]]));
}
