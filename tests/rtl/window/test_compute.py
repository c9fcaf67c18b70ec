"""All columns with their weights: sums after the latency."""

import random

import pytest
from amaranth.sim import Simulator

from accel.isa import PAIRS, WindowMode
from accel.params import IM2COL_LATENCY, Params
from accel.rtl.window.compute import WindowCompute, compute_latency
from accel.rtl.window.slots import READ_LATENCY

MAC, SUM, MAX, ADD, MUL, SUB, MIN = WindowMode
COLS, ZERO = 4, -77


def signed(byte):
    return (byte ^ 128) - 128


class Bench:
    """The columns, with words, weights and biases that come when they should."""

    def __init__(self, taps, mode, k):
        self.params = Params(rows=8, cols=COLS, input_bytes=4096, acc_rows=16, bus_bytes=8,
                             window_taps=taps)  # fmt: skip
        self.dut, self.mode, self.k = WindowCompute(self.params), mode, k
        self.taps, self.random = taps, random.Random(taps * k)
        rng = self.random
        self.biases = [[rng.randint(-(1 << 31), (1 << 31) - 1) // 2 for _ in range(COLS)]
                       for _ in range(2)]  # fmt: skip
        self.tiles = {(slot, tile): [rng.randbytes(COLS) for _ in range(taps)]
                      for slot in range(2) for tile in range(-(-k // taps))}  # fmt: skip
        self.words, self.asked, self.expected, self.got, self.cycle = {}, [], [], [], 0

    def output(self, slot, elements):
        """The sum of an output's elements, C bytes each."""
        count = len(self.tiles) // 2
        weights = [word for tile in range(count) for word in self.tiles[slot, tile]]
        sums = []
        for c in range(COLS):
            values = [signed(word[c]) for word in elements]
            if self.mode == MAC:
                pairs = zip(values, weights, strict=False)
                sums.append(self.biases[slot][c] + sum(x * signed(w[c]) for x, w in pairs))
            elif self.mode == SUM:
                sums.append(sum(x - ZERO for x in values))
            elif self.mode == MAX:
                sums.append(max(values))
            elif self.mode == MIN:
                sums.append(min(values))
            else:
                sums.append(values[0] & 255 | (values[1] & 255) << 8)
        return sums

    async def issue(self, ctx):
        dut, rng, taps = self.dut, self.random, self.taps
        ctx.set(dut.config, {"mode": self.mode, "k": self.k, "a_zero": ZERO})
        for _ in range(3):
            await self.tick(ctx)
        for number in range(24):
            slot, elements = number // 12, [rng.randbytes(COLS) for _ in range(self.k)]
            for begin in range(0, self.k, taps):
                while rng.random() < 0.2:
                    ctx.set(dut.group.valid, 0)
                    await self.tick(ctx)
                group = elements[begin : begin + taps]
                last = begin + taps >= self.k
                ctx.set(dut.group, {"valid": 1, "first": begin == 0, "last": last, "slot": slot,
                                    "final": number % 12 == 11, "tile": begin // taps,
                                    "taps": (1 << len(group)) - 1})  # fmt: skip
                rubbish = [rng.randbytes(COLS) for _ in range(taps - len(group))]
                self.words[self.cycle + IM2COL_LATENCY] = group + rubbish
                if last:
                    self.expected.append(
                        (self.cycle + compute_latency(self.params), self.output(slot, elements),
                         slot, number % 12 == 11)
                    )  # fmt: skip
                await self.tick(ctx)
        ctx.set(dut.group.valid, 0)
        for _ in range(compute_latency(self.params) + 1):
            await self.tick(ctx)

    async def tick(self, ctx):
        """A cycle of everything around."""
        dut = self.dut
        words = self.words.get(self.cycle, [bytes(COLS)] * self.taps)
        ctx.set(dut.words, [int.from_bytes(word, "little", signed=True) for word in words])
        weights = self.asked[self.cycle - READ_LATENCY] if self.cycle >= READ_LATENCY else None
        if weights:
            ctx.set(dut.weights.words, [int.from_bytes(word, "little") for word in weights])
        ctx.set(dut.biases, self.biases[ctx.get(dut.bias_slot)])
        *_, valid, slot, tile, complete, sums, of, final = await ctx.tick().sample(
            dut.weights.valid, dut.weights.slot, dut.weights.tile, dut.complete, dut.sums,
            dut.slot, dut.final,
        )
        self.asked.append(self.tiles[slot, tile] if valid else None)
        if complete:
            mask = 0xFFFF if self.mode in PAIRS else -1
            self.got.append((self.cycle, [total & mask for total in sums], of, final))
        self.cycle += 1


@pytest.mark.parametrize("taps", (2, 4, 8))
@pytest.mark.parametrize("mode, k", [(MAC, 9), (MAC, 1), (SUM, 7), (MAX, 5), (ADD, 2), (MUL, 2),
                                     (SUB, 2), (MIN, 2)])
def test_sums_come_after_the_latency(taps, mode, k):
    bench = Bench(taps, mode, k)
    sim = Simulator(bench.dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench.issue)
    sim.run()
    assert bench.got == bench.expected
    assert len(bench.got) == 24
