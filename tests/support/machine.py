"""A plain functional interpreter of programs: the instruction set executed command by command.

It knows nothing of the compiler and nothing of clock cycles.  What may happen in any order on the
machine happens here in a random order: the fetcher and the engines take turns as a seeded
scheduler likes, each as far ahead as the commands' waits, the queues, the two accumulator banks and
the parameter slots allow.  A wait that a program lacks therefore shows as wrong bytes under some
seed.  Everything a program has not written yet is random garbage.
"""

import collections
import random
from collections.abc import Callable

import numpy as np

from accel.isa import (
    ACTIVATION_ENTRIES,
    COMMAND_BYTES,
    RECORD_BYTES,
    Op,
    Pool,
    Rounding,
    unpack,
)
from accel.params import PARAM_PLANES, PARAM_SLOTS, POOL_OPEN, POOL_TABLE
from accel.program import Program, Step
from tests.support.machine_numbers import requantise, require
from tests.support.machine_window import WindowUnit

_ENGINE = {Op.LOAD: "load", Op.WEIGHTS: "weights", Op.EXEC: "exec", Op.POST: "post",
           Op.TABLE: "post", Op.ACTIVATION: "post", Op.WLOAD: "wload", Op.WPARAM: "wparam",
           Op.WINDOW: "window"}
ENGINES = tuple(dict.fromkeys(_ENGINE.values()))


def copy(memory, buffer: np.ndarray, f: dict[str, int]) -> None:
    """A LOAD or WLOAD: rows of memory and padding into a buffer (int8)."""
    size = buffer.size
    require(f["rows"] >= 1 and f["items"] >= 1, "LOAD of nothing")
    length = f["fill_left"] + f["items"] * f["inner"] + f["fill_right"]
    require(0 < length <= size, "LOAD row length")
    require(f["dst"] < size and f["dst_pitch"] < size, "LOAD destination")
    require((f["rows"] - 1) * f["dst_pitch"] + length <= size, "LOAD overwrites itself")
    for row in range(f["rows"]):
        pieces = [np.full(f["fill_left"], f["fill_value"], np.int8)]
        source = f["src"] + row * f["row_pitch"]
        if f["inner"]:
            pieces += [
                memory(source + item * f["item_pitch"], f["inner"]).view(np.int8)
                for item in range(f["items"])
            ]
        pieces.append(np.full(f["fill_right"], f["fill_value"], np.int8))
        where = (f["dst"] + row * f["dst_pitch"] + np.arange(length)) % size
        buffer[where] = np.concatenate(pieces)


class Machine:
    """One run of a program.

    Parameters:
        program: what to run.
        tensors: contents of the network's inputs by name, int8 [batch, H, W, C].
        seed: of the schedule and of the garbage.
    """

    def __init__(self, program: Program, tensors: dict[str, np.ndarray], seed: int = 0):
        self.program, self.params = program, program.params
        self.random, self.garbage = random.Random(seed), np.random.default_rng(seed)
        self.memory = program.image.copy()
        require(self.memory.size == program.memory_bytes, "image must fill the memory")
        require(program.memory_bytes <= 1 << self.params.addr_bits, "memory too large")
        for placement in program.tensors.values():
            end = placement.address + placement.size
            require(end <= program.memory_bytes, f"{placement.name} lies outside the memory")
            self.memory[placement.address : end] = self.garbage.integers(0, 256, placement.size)
        for name, values in tensors.items():
            self.write(name, values)
        self.marks: list[int] = []
        self.busy_cycles = self.window_cycles = 0
        self.completed = collections.Counter()

    def run(self, host: Callable[["Machine", str], None] | None = None) -> None:
        """Run to the end; raises MachineError for a broken rule or a deadlock.

        ``host`` is called with the machine and each node that the host has to compute.
        """
        for step in self.program.steps:
            self._reset(step)
            self._run_step()
            self.completed.update(self.done)
            self.window_cycles += self.window.busy_cycles
            for name in step.host:
                host(self, name)

    def output(self, name: str) -> np.ndarray:
        """A tensor in memory, int8 [batch, H, W, C]."""
        return self.program.tensors[name].view(self.memory).copy()

    def write(self, name: str, values: np.ndarray) -> None:
        """Set a tensor in memory."""
        where = self.program.tensors[name]
        assert values.shape == (where.batch, *where.shape) and values.dtype == np.int8
        where.view(self.memory)[:] = values

    def _reset(self, step: Step) -> None:
        """Before a start: nothing that an earlier one left in the machine may matter."""
        params, garbage = self.params, self.garbage
        self.step, self.next = step, 0
        self.buffer = garbage.integers(-128, 128, params.input_bytes).astype(np.int8)
        self.banks = garbage.integers(-1000, 1000, (2, params.bank_rows, params.cols))
        self.window = WindowUnit(params, self._read, garbage, self.buffer)
        self.table = [(0, 0)] * POOL_TABLE
        self.activation = garbage.integers(-128, 128, 256).astype(np.int8)
        self.queues = {engine: collections.deque() for engine in ENGINES}
        self.done = dict.fromkeys(ENGINES, 0)
        self.issued = dict.fromkeys(ENGINES, 0)
        self.weights: collections.deque = collections.deque()
        self.slots: dict[int, np.ndarray] = {}
        self.started = self.filled = self.freed = self.parameters = 0
        self.current: dict | None = None
        self.image: dict | None = None

    def _run_step(self) -> None:
        actors = ["fetch", *ENGINES]
        while True:
            # One actor is favoured for a while: engines run far ahead of, or far behind, others.
            self.random.shuffle(actors)
            for _ in range(self.random.choice((1, 4, 16, 64))):
                if not any(self._step(actor) for actor in actors):
                    require(
                        self.next == self.step.commands and not any(self.queues.values()),
                        f"deadlock before command {self.next}: "
                        f"{ {name: list(q)[:1] for name, q in self.queues.items()} }",
                    )
                    require(self.filled == self.freed, "a full bank was never post-processed")
                    require(not self.weights, "weights were never used")
                    require(not self.window.records, "a WPARAM was never used")
                    return

    def _step(self, actor: str) -> bool:
        if actor == "fetch":
            return self._fetch()
        queue = self.queues[actor]
        if not queue:
            return False
        op, fields = queue[0]
        if any(self.done[name] < fields.get(f"wait_{name}", 0) for name in ENGINES):
            return False
        action = {Op.LOAD: self._load, Op.WEIGHTS: self._weights, Op.EXEC: self._exec,
                  Op.POST: self._post, Op.TABLE: self._write_table,
                  Op.ACTIVATION: self._write_activation, Op.WLOAD: self._wload,
                  Op.WPARAM: self.window.param, Op.WINDOW: self._window}[op]
        if not action(fields):
            return False
        queue.popleft()
        self.done[actor] += 1
        return True

    def _fetch(self) -> bool:
        if self.next == self.step.commands:
            return False
        start = self.step.start + self.next * COMMAND_BYTES
        op, fields = unpack(self.program.image[start : start + COMMAND_BYTES].tobytes())
        engine = _ENGINE[op]
        if len(self.queues[engine]) == self.params.queue_depth:
            return False
        for name in ENGINES:
            require(
                fields.get(f"wait_{name}", 0) <= self.issued[name],
                f"command {self.next} waits for a later {name} command",
            )
        self.issued[engine] += 1
        self.queues[engine].append((op, fields))
        self.next += 1
        return True

    def _read(self, address: int, length: int) -> np.ndarray:
        address %= 1 << self.params.addr_bits
        require(address + length <= self.memory.size, "read outside the memory")
        return self.memory[address : address + length]

    def _load(self, f) -> bool:
        copy(self._read, self.buffer, f)
        return True

    def _wload(self, f) -> bool:
        if f["fill_left"] or f["fill_right"]:
            ends = f["dst"], f["dst_pitch"], f["fill_left"], f["items"] * f["inner"]
            require(not any(end % self.params.cols for end in (*ends, f["fill_right"])),
                    "a WLOAD's fills are whole words")
        copy(self._read, self.window.buffer, f)
        return True

    def _window(self, f) -> bool:
        if not self.window.run(f):
            return False
        self._mark(f)
        return True

    def _mark(self, f) -> None:
        if f["mark"]:
            require(f["mark_addr"] % self.params.bus_bytes == 0, "mark_addr alignment")
            self._read(f["mark_addr"], RECORD_BYTES)[:] = 0xAA
            self.marks.append(f["mark_addr"])

    def _weights(self, f) -> bool:
        params = self.params
        if self.parameters - self.freed == PARAM_SLOTS:
            return False
        require(f["src"] % params.bus_bytes == 0 and f["tiles"] >= 1, "WEIGHTS fields")
        record = self._read(f["src"], params.param_bytes).reshape(-1, params.cols)
        require(not record[PARAM_PLANES:].any(), "parameter record is not padded with zeroes")
        self.slots[self.parameters] = record
        self.parameters += 1
        tiles = self._read(f["src"] + params.param_bytes, f["tiles"] * params.tile_bytes)
        self.weights.append(tiles.view(np.int8).reshape(-1, params.rows, params.cols))
        return True

    def _exec(self, f) -> bool:
        params = self.params
        if f["first"]:
            require(self.current is None, "EXEC first inside a block")
            if self.started - self.freed == 2 or not self.weights:
                return False
            bias = self.slots[self.started][:4].T.copy().view("<i4").reshape(-1).astype(np.int64)
            self.current = {"tile": 0, "pixels": (f["nx"], f["ny"]), "cols": f["cols"]}
            self.started += 1
        else:
            require(self.current is not None, "EXEC outside a block")
        block = self.current
        pixels = f["nx"] * f["ny"]
        require(block["pixels"] == (f["nx"], f["ny"]) and block["cols"] == f["cols"],
                "EXECs of a block must have the same pixels")
        require(1 <= pixels <= params.bank_rows and f["nx"] and f["ny"], "EXEC pixels")
        require(f["k"] >= 1 and f["seg"] >= 1 and 1 <= f["cols"] <= params.cols, "EXEC fields")
        require(f["base"] < params.input_bytes, "EXEC base")
        count = -(-f["k"] // params.rows)
        self.busy_cycles += count * max(pixels, params.rows)
        require(block["tile"] + count <= len(self.weights[0]), "EXEC needs more tiles than it has")
        tiles = self.weights[0][block["tile"] : block["tile"] + count]
        block["tile"] += count
        i = np.arange(count * params.rows)
        offset = i + i // f["seg"] * f["seg_skip"] * params.rows
        base = f["base"] + (
            np.arange(f["ny"])[:, None] * f["step_y"] + np.arange(f["nx"])[None, :] * f["step_x"]
        ).reshape(-1, 1)
        lanes = self.buffer[(base + offset) % params.input_bytes]
        bank = self.banks[(self.started - 1) % 2]
        if f["first"]:
            bank[:pixels] = bias
        bank[:pixels] += lanes.astype(np.int64) @ tiles.reshape(-1, params.cols).astype(np.int64)
        if f["last"]:
            require(block["tile"] == len(self.weights[0]), "a block leaves tiles unused")
            self.weights.popleft()
            self.filled += 1
            self.current = None
        return True

    def _write_table(self, f) -> bool:
        require(1 <= f["entries"] <= 8, "TABLE entries")
        for n in range(f["entries"]):
            self.table[f[f"index{n}"]] = f[f"multiplier{n}"], f[f"shift{n}"]
        return True

    def _write_activation(self, f) -> bool:
        require(f["first"] % ACTIVATION_ENTRIES == 0, "ACTIVATION first")
        for n in range(ACTIVATION_ENTRIES):
            self.activation[f["first"] + n] = f[f"value{n}"]
        return True

    def _post(self, f) -> bool:
        if self.filled == self.freed:
            return False
        require(1 <= f["count"] <= self.params.bank_rows, "POST count")
        require(f["pool"] <= 2, "POST pool")
        require(f["lo"] <= f["hi"] and 1 <= f["cols"] <= self.params.cols, "POST clamp or cols")
        same = {name: value for name, value in f.items()
                if name not in ("begin", "mark", "count", "mark_addr")
                and not name.startswith("wait_")}
        if f["begin"]:
            require(self.image is None, "a new image before the last one was complete")
            self._check_image(f)
            self.image = {"fields": same, "pixels": [], "stored": set()}
        require(self.image is not None and self.image["fields"] == same, "POST continues another")
        slot = self.slots.pop(self.freed)
        words = slot[4:8].T.copy().view("<u4").reshape(-1)
        sums = self.banks[self.freed % 2][: f["count"], : f["cols"]].copy()
        require((abs(sums) < 1 << 31).all(), "a sum left int32")
        pixels = requantise(
            sums, words, slot[8].view(np.int8), Rounding(f["rounding"]), f["out_zero"],
            f["lo"], f["hi"],
        )
        if f["activate"]:
            pixels = self.activation[pixels.astype(np.int64) + 128]
        self.banks[self.freed % 2] = self.random.randrange(-9999, 9999)
        self.freed += 1
        self.image["pixels"] += list(pixels)
        require(len(self.image["pixels"]) <= f["in_w"] * f["in_h"], "more pixels than the image")
        self._store(f)
        if len(self.image["pixels"]) == f["in_w"] * f["in_h"]:
            require(len(self.image["stored"]) == f["out_w"] * f["out_h"], "outputs are missing")
            self.image = None
        self._mark(f)
        return True

    def _check_image(self, f) -> None:
        require(min(f["in_w"], f["in_h"], f["out_w"], f["out_h"]) >= 1, "POST image size")
        if f["pool"] == Pool.NONE:
            require((f["in_w"], f["in_h"]) == (f["out_w"], f["out_h"]), "POST image size")
            return
        require(min(f["kh"], f["kw"], f["sh"], f["sw"]) >= 1, "POST window")
        require(f["pt"] < f["kh"] and f["pl"] < f["kw"], "POST padding")
        require(min(f["out_w"], -(-f["kw"] // f["sw"])) <= POOL_OPEN, "open pooling windows")
        require(
            -(-f["kh"] // f["sh"]) * f["out_w"] <= self.params.pool_entries, "pooling entries"
        )

    def _store(self, f) -> None:
        """Store every output whose last pixel has come."""
        there = len(self.image["pixels"])
        pooled = f["pool"] != Pool.NONE
        kh, kw, sh, sw = (f[n] if pooled else 1 for n in ("kh", "kw", "sh", "sw"))
        for y in range(f["out_h"]):
            top = y * sh - (f["pt"] if pooled else 0)
            bottom = min(top + kh, f["in_h"])
            for x in range(f["out_w"]):
                left = x * sw - (f["pl"] if pooled else 0)
                right = min(left + kw, f["in_w"])
                last = (bottom - 1) * f["in_w"] + right - 1
                if (y, x) in self.image["stored"] or last >= there:
                    continue
                require(bottom > max(top, 0) and right > max(left, 0), "an empty window")
                window = np.array([
                    self.image["pixels"][v * f["in_w"] + u]
                    for v in range(max(top, 0), bottom) for u in range(max(left, 0), right)
                ]).astype(np.int64)
                address = f["dst"] + x * f["pitch_x"] + y * f["pitch_y"]
                self._write_pixel(f, address, self._pooled(f, window))
                self.image["stored"].add((y, x))

    def _write_pixel(self, f, address: int, pixel: np.ndarray) -> None:
        """Store a pixel in memory, or in a word of the window unit's buffer."""
        if not f["near"]:
            self._read(address, f["cols"])[:] = pixel.view(np.uint8)
            return
        cols, buffer = self.params.cols, self.window.buffer
        require(address % cols == 0, "a pixel in the window buffer must fill a word")
        word = self.garbage.integers(-128, 128, cols)
        word[: f["cols"]] = pixel
        first = address % buffer.size
        buffer[first : first + cols] = word

    def _pooled(self, f, window: np.ndarray) -> np.ndarray:
        if f["pool"] != Pool.AVERAGE:
            return window.max(axis=0).astype(np.int8)
        multiplier, shift = self.table[len(window) % POOL_TABLE]
        sums = (window - f["pool_in_zero"]).sum(axis=0)
        return requantise(
            sums, [multiplier] * f["cols"], [shift] * f["cols"], Rounding(f["pool_rounding"]),
            f["pool_out_zero"], -128, 127,
        )
