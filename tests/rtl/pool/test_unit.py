"""The pooling unit against plain Python: kernels, strides, padding, and its speed."""

import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from accel.isa import Pool, Rounding
from accel.params import Params
from accel.rtl.pool.unit import PoolUnit

PARAMS = Params(rows=4, cols=4, input_bytes=64, acc_rows=16, pool_entries=64, bus_bytes=4)
COLS = PARAMS.cols


def outputs(size, kernel, stride, before, after=None):
    """Windows along an axis, without any that lies wholly in the padding."""
    after = before if after is None else after
    return (size + before + after - kernel) // stride + 1


class Case:
    """A pooling operation with its image and, by numpy, its result."""

    def __init__(self, pool, size, kernel, stride, padding=(0, 0), after=None, rng=None):
        rng = rng or np.random.default_rng(1)
        (self.height, self.width), (self.kh, self.kw) = size, kernel
        (self.sh, self.sw), (self.pt, self.pl) = stride, padding
        after = after or padding
        self.pool = pool
        self.out_h = outputs(self.height, self.kh, self.sh, self.pt, after[0])
        self.out_w = outputs(self.width, self.kw, self.sw, self.pl, after[1])
        self.zero_in, self.zero_out = (int(rng.integers(-128, 128)) for _ in range(2))
        self.image = rng.integers(-128, 128, (self.height, self.width, COLS)).astype(int)
        self.table = {}
        self.expected = [self.window(y, x) for y in range(self.out_h) for x in range(self.out_w)]

    def window(self, y, x):
        top, left = y * self.sh - self.pt, x * self.sw - self.pl
        part = self.image[max(top, 0) : top + self.kh, max(left, 0) : left + self.kw]
        if self.pool == Pool.MAX:
            return part.max(axis=(0, 1)).tolist()
        count = part.shape[0] * part.shape[1]
        multiplier = (1 << 31 + 6) // count >> 7  # 1 / (2 * count), shifted left by one
        self.table[count % 256] = multiplier, 1
        total = (part - self.zero_in).sum(axis=(0, 1))
        scaled = [(int(value) * 2 * multiplier + (1 << 30)) >> 31 for value in total]
        return [min(max(value + self.zero_out, -128), 127) for value in scaled]

    def config(self):
        return {
            "pool": self.pool, "pool_rounding": Rounding.SINGLE,
            "pool_in_zero": self.zero_in, "pool_out_zero": self.zero_out,
            "kh": self.kh, "kw": self.kw, "sh": self.sh, "sw": self.sw,
            "pt": self.pt, "pl": self.pl, "in_w": self.width, "in_h": self.height,
            "out_w": self.out_w, "out_h": self.out_h,
        }  # fmt: skip


def simulate(cases, busy=0.0, seed=0, ends=1):
    """Pool images one after another; returns each one's vectors and the cycles it took.

    ``busy`` is the share of cycles in which the output is not taken and the input not offered.
    Each image is followed by ``ends`` end tokens, and one comes after its first pixel.
    """
    rng = random.Random(seed)
    dut = PoolUnit(PARAMS)
    received, cycles = [], []

    async def drive(ctx):
        for case in cases:
            for name, value in case.config().items():
                ctx.set(dut.config[name], value)
            await ctx.tick()
            for count, (multiplier, shift) in case.table.items():
                ctx.set(dut.table.valid, 1)
                ctx.set(dut.table.index, count)
                ctx.set(dut.table.multiplier, multiplier)
                ctx.set(dut.table.shift, shift)
                await ctx.tick()
            ctx.set(dut.table.valid, 0)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            pixels = [*case.image.reshape(-1, COLS).tolist()]
            pixels = [*pixels[:1], None, *pixels[1:], *[None] * ends]
            start = len(received)
            elapsed = 0
            for pixel in pixels:
                while rng.random() < busy:
                    await ctx.tick()
                ctx.set(dut.input.valid, 1)
                ctx.set(dut.input.payload.data, pixel or [0] * COLS)
                ctx.set(dut.input.payload.end, pixel is None)
                taken = False
                while not taken:
                    *_, taken = await ctx.tick().sample(dut.input.ready)
                    elapsed += 1
                    assert elapsed < 200_000
                ctx.set(dut.input.valid, 0)
            cycles.append(elapsed)
            while received[start:].count(None) < ends + 1:
                await ctx.tick()
                elapsed += 1
                assert elapsed < 200_000

    async def collect(ctx):
        while True:
            ctx.set(dut.output.ready, rng.random() >= busy)
            *_, ready, valid, payload = await ctx.tick().sample(
                dut.output.ready, dut.output.valid, dut.output.payload
            )
            if ready and valid:
                received.append(None if payload.end else list(payload.data))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(collect, background=True)
    simulator.run()
    return received, cycles


def check(cases, **options):
    received, cycles = simulate(cases, **options)
    ends = options.get("ends", 1)
    for case in cases:
        # The token behind the first pixel comes no later than the second pixel's results.
        assert received.index(None) <= len(case.expected)
        got = [vector for vector in received[: len(case.expected) + 1] if vector is not None]
        assert got == case.expected, case.config()
        rest = received[len(case.expected) + 1 :]
        assert rest[:ends] == [None] * ends
        received = rest[ends:]
    assert not received
    return cycles


@pytest.mark.parametrize("pool", (Pool.MAX, Pool.AVERAGE))
@pytest.mark.parametrize("busy", (0.0, 0.4))
def test_kernels_and_strides(pool, busy):
    rng = np.random.default_rng(7)
    cases = [
        Case(pool, (7, 6), (2, 2), (2, 2), rng=rng),
        Case(pool, (6, 7), (3, 3), (1, 1), (1, 1), rng=rng),
        Case(pool, (5, 5), (3, 3), (2, 2), (1, 0), (1, 1), rng=rng),
        Case(pool, (8, 9), (1, 1), (3, 4), rng=rng),
        Case(pool, (9, 8), (2, 1), (4, 3), (1, 0), rng=rng),
        Case(pool, (4, 4), (4, 4), (1, 1), rng=rng),  # global
        Case(pool, (1, 9), (1, 3), (1, 2), (0, 1), rng=rng),
        Case(pool, (9, 1), (3, 1), (2, 1), (1, 0), rng=rng),
        Case(pool, (1, 1), (1, 1), (1, 1), rng=rng),
        Case(pool, (1, 1), (3, 3), (2, 2), (1, 1), rng=rng),
        Case(pool, (11, 12), (11, 11), (4, 4), (5, 5), rng=rng),
        Case(pool, (5, 3), (2, 3), (1, 1), (1, 2), rng=rng),
        Case(pool, (6, 2), (4, 2), (1, 1), (3, 1), rng=rng),  # narrow, rows end together
    ]
    check(cases, busy=busy, seed=3)


@pytest.mark.parametrize("seed", range(4))
def test_random(seed):
    rng = np.random.default_rng(seed)
    cases = []
    while len(cases) < 12:
        size, kernel = rng.integers(1, 14, 2), rng.integers(1, 12, 2)
        stride = rng.integers(1, 5, 2)
        padding, after = (np.array([rng.integers(0, k) for k in kernel]) for _ in range(2))
        if np.any(size + padding + after < kernel):
            continue
        out = (size + padding + after - kernel) // stride + 1
        # Every window holds an element, and the open rows fit.
        if np.any((out - 1) * stride - padding >= size) or np.any(kernel - padding < 1):
            continue
        if -(-kernel[0] // stride[0]) * out[1] > PARAMS.pool_entries:
            continue
        pool = Pool.MAX if rng.integers(2) else Pool.AVERAGE
        arguments = (tuple(map(int, pair)) for pair in (size, kernel, stride, padding, after))
        cases.append(Case(pool, *arguments, rng=rng))
    check(cases, busy=0.0 if seed == 0 else 0.3, seed=seed)


def test_no_pooling_passes_everything():
    case = Case(Pool.MAX, (3, 5), (1, 1), (1, 1))
    case.pool = Pool.NONE
    cycles = check([case])
    assert cycles == [15 + 2]


def test_end_alone():
    for pool in Pool:
        case = Case(Pool.MAX, (1, 1), (1, 1), (1, 1))
        case.pool = pool
        case.image, case.expected = case.image[:0], []
        received, _ = simulate([case], ends=2)
        assert received == [None] * 3


@pytest.mark.parametrize("kernel, stride", [((2, 2), (2, 2)), ((3, 3), (3, 3)), ((1, 2), (2, 3))])
def test_a_pixel_a_cycle_without_overlap(kernel, stride):
    case = Case(Pool.MAX, (12, 12), kernel, stride)
    (cycles,) = check([case])
    assert cycles <= 12 * 12 + 2 + 4


def test_one_cycle_per_window_of_a_row():
    case = Case(Pool.MAX, (12, 12), (2, 3), (2, 1), (0, 0))
    (cycles,) = check([case])
    assert cycles <= 10 * 12 * 3 + 12 * (2 + 2 * 1 + 2) + 6
