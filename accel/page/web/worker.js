// The worker: it holds the machine and does nothing else, so that the page stays quick.
//
// The machine is a WebAssembly module made from the hardware's Verilog (accel/page/wasm.py).  A
// message {id, what, ...} is answered by {id, ...} or {id, error}.
"use strict";

let machine = null;      // the module's exports
let space = 0;           // where the machine's memory lies in the module's
let program = null;      // {start, commands, bytes, latency, bytes_per_cycle, timeout}
let given = null;        // the memory that the run began with, to begin it again
let layers = [];         // addresses of the layers' completion records
let gathered = 0;        // bytes of all registers that the page looks at

const MOST_CYCLES = 2 ** 30;
const UNTIL = { cycle: 0, vector: 1, tile: 2, layer: 3 };

const bytes = (start, length) => new Uint8Array(machine.memory.buffer, start, length);

// The module was compiled for a system with files and a clock.  The machine uses none of them, but
// the C++ library wants to be asked; every answer is "there is none".
function system() {
  const nothing = () => 0, badFile = () => 8;
  return new Proxy({}, {
    get: (_, name) => {
      if (String(name).startsWith("fd_") || String(name).startsWith("path_")) return badFile;
      if (name === "proc_exit") return () => { throw new Error("the machine gave up"); };
      if (name === "clock_time_get" || name.endsWith("_sizes_get")) {
        return (...arguments_) => {           // the clock stands still; there are no arguments
          const view = new DataView(machine.memory.buffer);
          if (name === "clock_time_get") view.setBigUint64(arguments_[2], 0n, true);
          else for (const at of arguments_) view.setUint32(at, 0, true);
          return 0;
        };
      }
      return nothing;
    },
  });
}

async function load(message) {
  const { instance } = await WebAssembly.instantiate(message.code, {
    wasi_snapshot_preview1: system(),
  });
  machine = instance.exports;
  machine._initialize();
  ({ program, layers, gathered } = message);
  space = machine.malloc(program.bytes);
}

function begin() {
  bytes(space, program.bytes).set(given);
  machine.page_begin(space, program.bytes, program.latency, program.bytes_per_cycle, program.start,
                     program.commands, program.timeout, MOST_CYCLES);
}

function advance(cycles, until = UNTIL.cycle, address = 0) {
  const done = machine.page_advance(cycles, until, address);
  const text = new TextDecoder().decode(bytes(machine.page_error(), 160));
  if (text[0] !== "\0") throw new Error(text.split("\0")[0]);
  return done;
}

// Runs a picture to the end, and tells when each layer was complete.
function run(message) {
  given = message.space;
  const began = performance.now();
  begin();
  const ends = [];
  for (const address of layers) {
    advance(MOST_CYCLES, UNTIL.layer, address);
    ends.push(machine.page_cycle());
  }
  advance(MOST_CYCLES);
  const seconds = (performance.now() - began) / 1000;
  const values = Array.from(new Uint32Array(machine.memory.buffer, machine.page_values(), 32));
  return { seconds, ends, values, ...state() };
}

function seek(message) {
  if (message.cycle < machine.page_cycle()) begin();
  advance(message.cycle - machine.page_cycle());
  return state();
}

function step(message) {
  advance(message.cycles ?? MOST_CYCLES, UNTIL[message.unit], message.address ?? 0);
  return state();
}

// The machine as it is now: its memory, its registers, and a byte for every cycle so far.
function state() {
  const cycle = machine.page_cycle();
  return {
    cycle,
    finished: Boolean(machine.page_finished()),
    space: bytes(space, program.bytes).slice(),
    registers: bytes(machine.page_gather(), gathered).slice(),
    port: Array.from({ length: 9 }, (_, what) => machine.page_port(what) >>> 0),
    log: bytes(machine.page_log(), cycle).slice(),
  };
}

const WHAT = { load, run, seek, step };

self.onmessage = async ({ data }) => {
  try {
    const answer = (await WHAT[data.what](data)) ?? {};
    self.postMessage({ id: data.id, ...answer });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error.message ?? error) });
  }
};
