"""The window unit of the program interpreter: depthwise convolution, pooling and addition."""

import collections

import numpy as np

from accel.isa import PAIRS, Rounding, WindowMode
from accel.params import PARAM_PLANES, WINDOW_TILES, Params
from tests.support.machine_numbers import requantise, require, scaled

#: Parameter records that a WPARAM may have loaded ahead of their WINDOWs.
SLOTS = 2
#: An addition's operands are shifted left by this much before they are scaled.
ADD_SHIFT = 20


class WindowUnit:
    """Its buffer and parameter slots.

    Parameters:
        params: the machine.
        memory: (address, length) to a view of memory (uint8).
        garbage: source of the buffer's first contents.
        im2col: the array's buffer (int8).
    """

    def __init__(self, params: Params, memory, garbage: np.random.Generator, im2col: np.ndarray):
        self.params, self.memory, self.im2col = params, memory, im2col
        self.buffer = garbage.integers(-128, 128, params.window_bytes).astype(np.int8)
        self.records: collections.deque = collections.deque()
        self.busy_cycles = 0

    def param(self, f) -> bool:
        """A WPARAM; False while no slot is free."""
        params = self.params
        require(params.window_taps, "the machine has no window unit")
        if len(self.records) == SLOTS:
            return False
        require(f["src"] % params.bus_bytes == 0, "WPARAM alignment")
        require(1 <= f["tiles"] <= WINDOW_TILES, "WPARAM tiles")
        planes = self.memory(f["src"], params.param_bytes).reshape(-1, params.cols)
        require(not planes[PARAM_PLANES:].any(), "parameter record is not padded with zeroes")
        tiles = self.memory(
            f["src"] + params.param_bytes, f["tiles"] * params.window_taps * params.cols
        )
        self.records.append((planes.copy(), tiles.view(np.int8).reshape(-1, params.cols).copy()))
        return True

    def run(self, f) -> bool:
        """A WINDOW; False while its WPARAM is missing."""
        params = self.params
        require(params.window_taps, "the machine has no window unit")
        require(min(f["nx"], f["ny"], f["k"], f["seg"]) >= 1, "WINDOW of nothing")
        require(1 <= f["cols"] <= params.cols, "WINDOW cols")
        require(f["lo"] <= f["hi"], "WINDOW clamp")
        near_fits = params.window_feeds_array and f["dst"] < params.input_bytes
        require(near_fits or not f["near"], "WINDOW near")
        mode = WindowMode(f["mode"])
        if mode == WindowMode.MAC and not self.records:
            return False
        require(mode not in (*PAIRS, WindowMode.MIN) or f["k"] == 2, "a pair has two elements")
        words = self._words(f)
        sums, multiplier, shift = self._sums(mode, f, words)
        cols = f["cols"]
        result = requantise(
            sums[:, :cols], multiplier, shift, Rounding(f["rounding"]), f["out_zero"],
            f["lo"], f["hi"],
        )
        for number, pixel in enumerate(result):
            y, x = divmod(number, f["nx"])
            address = f["dst"] + x * f["pitch_x"] + y * f["pitch_y"]
            if f["near"]:
                self.im2col[(address + np.arange(cols)) % self.im2col.size] = pixel
            else:
                self.memory(address, cols)[:] = pixel.view(np.uint8)
        vector = max(-(-f["k"] // params.window_taps), params.cols // params.window_lanes)
        self.busy_cycles += f["nx"] * f["ny"] * vector
        return True

    def _words(self, f) -> np.ndarray:
        """int64 [outputs, k, C]: the elements of every window."""
        params = self.params
        cols, taps = params.cols, params.window_taps
        steps = f["base"], f["step_x"] * (f["nx"] > 1), f["step_y"] * (f["ny"] > 1)
        require(not any(step % cols for step in steps), "WINDOW addresses are multiples of C")
        require(f["base"] < params.window_bytes, "WINDOW base")
        i = np.arange(f["k"])
        places = i * cols + i // f["seg"] * f["seg_skip"] * taps * cols
        for first in range(0, f["k"], taps):
            banks = places[first : first + taps] // cols % taps
            require(len(set(banks.tolist())) == len(banks), "two elements in one bank")
        y, x = np.arange(f["ny"])[:, None], np.arange(f["nx"])
        base = f["base"] + (y * f["step_y"] + x * f["step_x"]).reshape(-1, 1, 1)
        where = base + places[:, None] + np.arange(cols)
        return self.buffer[where % params.window_bytes].astype(np.int64)

    def _sums(self, mode: WindowMode, f, words: np.ndarray):
        """The sums (or maxima), and their multipliers and shifts, by channel."""
        every = [f["multiplier"]] * self.params.cols, [f["shift"]] * self.params.cols
        if mode == WindowMode.MAC:
            planes, tiles = self.records.popleft()
            depth = -(-f["k"] // self.params.window_taps) * self.params.window_taps
            require(depth == len(tiles), "a MAC has other weights than its WPARAM")
            bias = planes[:4].T.copy().view("<i4").reshape(-1).astype(np.int64)
            sums = (words * tiles[: f["k"]].astype(np.int64)).sum(axis=1) + bias
            return sums, planes[4:8].T.copy().view("<u4").reshape(-1), planes[8].view(np.int8)
        if mode == WindowMode.SUM:
            return (words - f["a_zero"]).sum(axis=1), *every
        if mode == WindowMode.MAX:
            return words.max(axis=1), *every
        if mode == WindowMode.MIN:
            return words.min(axis=1), *every
        if mode == WindowMode.MUL:
            require(not f["offset"] and not any(f[f"{letter}_{what}"] for letter in "ab"
                                                for what in ("multiplier", "shift")),
                    "MUL scales nothing")
            return (words[:, 0] - f["a_zero"]) * (words[:, 1] - f["b_zero"]), *every
        require(max(f["a_shift"], f["b_shift"]) <= 0, "ADD shifts")
        first, second = (
            self._operand(words[:, n], *(f[f"{letter}_{what}"] for what in
                                         ("zero", "multiplier", "shift")))
            for n, letter in enumerate("ab")
        )
        second = second + f["offset"]
        require(not f["offset"] or f["b_shift"] >= -22, "an offset beside a small operand")
        return first - second if mode == WindowMode.SUB else first + second, *every

    def _operand(self, x: np.ndarray, zero: int, multiplier: int, shift: int) -> np.ndarray:
        result = [
            scaled((int(value) - zero) << ADD_SHIFT, multiplier, shift, Rounding.DOUBLE)
            for value in x.ravel()
        ]
        return np.array(result, np.int64).reshape(x.shape)
