"""The whole window unit against plain Python: every mode, and when commands begin."""

import itertools

import pytest

from accel.isa import FLOATS, PAIRS, RECORD_BYTES, RECORD_WORDS, Op, Rounding, WindowMode
from accel.params import REQUANT_LATENCY
from accel.rtl.window.compute import compute_latency
from accel.rtl.window.lanes import lanes_latency
from accel.rtl.window.scale import SCALE_LATENCY
from tests.rtl.window.bench import MULTIPLIERS, SIZE, Bench, machine

MAC, SUM, MAX, ADD, MUL, SUB, MIN = WindowMode
#: A multiplier and shift that change nothing.
IDENTITY = {"multiplier": 1 << 30, "shift": 1}


def addition(rng):
    """Random scales of two operands, and one that brings their sum to bytes."""
    b_shift = -rng.choice([0, 1, 5, 22, 31])
    offset = rng.choice([0, rng.randint(-128, 127), -128]) if b_shift >= -22 else 0
    return {
        "a_zero": rng.randint(-128, 127), "a_multiplier": rng.choice(MULTIPLIERS),
        "a_shift": -rng.choice([0, 1, 2, 8]), "b_zero": rng.randint(-128, 127),
        "b_multiplier": rng.choice(MULTIPLIERS), "b_shift": b_shift, "offset": offset,
        "multiplier": rng.choice(MULTIPLIERS), "shift": -rng.randint(17, 20),
    }  # fmt: skip


@pytest.mark.parametrize("taps, cols, lanes", [(2, 4, 4), (4, 4, 1), (8, 4, 2), (4, 8, 4)])
def test_depthwise_convolution(taps, cols, lanes):
    bench = Bench(machine(taps, cols, lanes))
    bench.fill_buffer()
    bench.record(9)
    bench.window(mode=MAC, k=9, seg=3, seg_skip=2, nx=5, ny=3, base=3 * cols, step_x=cols,
                 step_y=7 * cols, out_zero=-5, rounding=Rounding.DOUBLE,
                 **bench.waits("wload"))  # fmt: skip
    bench.run()
    assert bench.macs == 9 * 5 * 3 * cols


def test_average_pooling():
    """Sums of more elements than a parameter record could hold weights for."""
    bench = Bench(machine())
    bench.fill_buffer()
    for k, seg, skip in ((1, 1, 0), (49, 7, 3), (250, 250, 0), (4, 2, 1)):
        multiplier, shift = (1 << 31) // k, 0
        bench.window(mode=SUM, k=k, seg=seg, seg_skip=skip, nx=3, ny=2, step_x=8, step_y=24,
                     a_zero=-128 + k, rounding=Rounding.AWAY, multiplier=min(multiplier, 2**31 - 1),
                     shift=shift, out_zero=3, **bench.waits("wload"))  # fmt: skip
    bench.run()
    assert bench.macs == 0


@pytest.mark.parametrize("taps", (2, 4, 8))
def test_max_pooling(taps):
    bench = Bench(machine(taps))
    bench.fill_buffer()
    for k, seg in ((1, 1), (taps, 1), (9, 3), (taps + 1, 2), (2, 2)):
        bench.window(mode=MAX, k=k, seg=seg, seg_skip=5, nx=7, ny=3, step_x=8, step_y=52,
                     rounding=Rounding.SINGLE, lo=-100, hi=120, **IDENTITY,
                     **bench.waits("wload"))  # fmt: skip
    bench.run()


@pytest.mark.parametrize("taps", (2, 4))
def test_addition(taps):
    bench = Bench(machine(taps))
    bench.fill_buffer()
    for rounding in (Rounding.DOUBLE, Rounding.SINGLE):
        bench.window(mode=ADD, k=2, seg=1, seg_skip=9, nx=40, ny=1, step_x=4, rounding=rounding,
                     out_zero=7, **addition(bench.random), **bench.waits("wload"))  # fmt: skip
    bench.run()


@pytest.mark.parametrize("taps", (2, 4))
def test_multiplication(taps):
    """Zeros at the ends, so that the products reach their limits."""
    bench = Bench(machine(taps))
    bench.fill_buffer()
    for zeros in ((-128, -128), (127, -128), (3, -5)):
        for rounding in Rounding:
            bench.window(mode=MUL, k=2, seg=1, seg_skip=9, nx=20, ny=1, step_x=4,
                         rounding=rounding, out_zero=-7, a_zero=zeros[0], b_zero=zeros[1],
                         multiplier=3 << 29, shift=-8, **bench.waits("wload"))  # fmt: skip
    bench.run()


def random_window(bench, mode):
    """A WINDOW anywhere in the buffer, with gaps in memory."""
    rng, params = bench.random, bench.params
    word, size = params.cols, params.window_bytes
    k = {MAC: rng.randint(1, 4 * params.window_taps), SUM: rng.randint(1, 60),
         MAX: rng.randint(1, 30)}.get(mode, 2)  # fmt: skip
    cols = rng.randint(1, word)
    nx, ny = rng.choice([(1, 1), (1, 5), (6, 1), (rng.randint(2, 7), rng.randint(2, 4))])
    pitch_x = cols + rng.choice([0, 0, 1, 3])
    fields = {
        "mode": mode, "k": k, "seg": rng.randint(1, k + 1), "cols": cols, "nx": nx, "ny": ny,
        "seg_skip": rng.randrange(8), "base": rng.randrange(0, size, word),
        "step_x": rng.randrange(0, size, word), "step_y": rng.randrange(0, size, word),
        "pitch_x": pitch_x, "pitch_y": pitch_x * nx + rng.choice([0, 5]),
        "rounding": rng.choice(list(Rounding)), "out_zero": rng.randint(-128, 127),
        "lo": rng.randint(-128, 0), "hi": rng.randint(1, 127), "mark": 0,
    }  # fmt: skip
    if mode in (ADD, SUB):
        fields |= addition(rng)
    elif mode != MAC:
        fields |= {"a_zero": rng.randint(-128, 127), "multiplier": rng.choice(MULTIPLIERS),
                   "shift": rng.randint(-6, 1)}  # fmt: skip
    if mode == MUL:
        fields |= {"b_zero": rng.randint(-128, 127), "shift": rng.randint(-14, 1)}
    if mode != MAC and fields["rounding"] in FLOATS:
        fields["multiplier"] &= -128
    return fields


def random_load(bench):
    """A WLOAD anywhere; fills are whole words."""
    rng, size, word = bench.random, bench.params.window_bytes, bench.params.cols
    return {
        "src": rng.randrange(SIZE // 4), "dst": rng.randrange(0, size, word),
        "inner": rng.choice([0, word, word * rng.randint(1, 8)]), "items": rng.randint(1, 4),
        "item_pitch": rng.randrange(100), "rows": rng.randint(1, 3),
        "row_pitch": rng.randrange(1000), "dst_pitch": rng.randrange(0, size, word),
        "fill_left": word * rng.randint(1, 9), "fill_right": word * rng.choice([0, 0, 1, 5]),
        "fill_value": rng.randint(-128, 127),
    }  # fmt: skip


@pytest.mark.parametrize(
    "taps, cols, lanes, bus_bytes, stall",
    [
        (2, 4, 0, 4, 0.0), (4, 4, 4, 16, 0.3), (8, 4, 1, 8, 0.0), (2, 8, 8, 32, 0.5),
        *(pytest.param(*one, marks=pytest.mark.campaign)
          for one in ((4, 16, 4, 8, 0.0), (16, 4, 2, 4, 0.2))),
    ],
)  # fmt: skip
def test_random_programs(taps, cols, lanes, bus_bytes, stall):
    """All modes in any order, with loads that wait for their readers and stalling memories."""
    bench = Bench(machine(taps, cols, lanes, bus_bytes), latency=4 + 40 * (stall > 0.25),
                  stall=stall, seed=taps * cols + lanes)  # fmt: skip
    random_program(bench, 8)
    bench.run()


def random_program(bench, rounds):
    """Loads and windows that wait for each other as they must, and as little as they can."""
    rng = bench.random
    bench.fill_buffer()
    for _ in range(rounds):
        for _ in range(rng.choice([0, 0, 1, 2])):
            bench.load(**random_load(bench), **bench.waits("window"))
        mode = rng.choice(list(WindowMode))
        for _ in range(rng.choice([1, 1, 3])):
            window = random_window(bench, mode)
            if mode == MAC:
                bench.record(window["k"], exact=window["rounding"] in FLOATS)
            bench.window(**window, **bench.waits("wload"))


def repeated(bench, count, record=None, **fields):
    """The same WINDOW ``count`` times, on a full buffer; returns the numbers of issues' cycles."""
    for _ in range(count):
        if record:
            bench.record(record)
        bench.window(**fields, **bench.waits("wload"))
    bench.run()
    return bench.issues


def test_like_commands_follow_after_one_cycle():
    bench = Bench(machine(4, 8), latency=2)
    bench.fill_buffer()
    issues = repeated(bench, 4, record=9, mode=MAC, k=9, seg=3, seg_skip=1, nx=6, ny=4, step_x=8,
                      step_y=64, rounding=Rounding.DOUBLE)  # fmt: skip
    assert len(issues) == 4 * 6 * 4 * 3
    assert issues[-1] - issues[0] == len(issues) - 1 + 3


@pytest.mark.parametrize("mode", (MAX, ADD, MUL, SUB, MIN))
@pytest.mark.parametrize("lanes", (2, 8))
def test_a_new_configuration_waits_for_the_old_one_to_drain(mode, lanes):
    bench = Bench(machine(4, 8, lanes), latency=2)
    bench.fill_buffer()
    for out_zero in range(3):
        bench.window(mode=mode, k=2, nx=20, ny=1, step_x=8, multiplier=1 << 30, out_zero=out_zero,
                     rounding=Rounding.SINGLE, **bench.waits("wload"))  # fmt: skip
    bench.run()
    gaps = [after - before for before, after in itertools.pairwise(bench.issues)]
    drain = compute_latency(bench.params) + lanes_latency(bench.params) + 4
    drain += SCALE_LATENCY * (mode in PAIRS)
    assert sorted(gaps) == [8 // lanes] * 57 + [drain + 1] * 2
    assert lanes_latency(bench.params) == REQUANT_LATENCY + 1 + 8 // lanes


def test_loads_run_ahead_of_windows():
    """Two halves of the buffer in turn: the next one is loaded while this one is read."""
    bench = Bench(machine(4, 4), latency=30)
    half = bench.params.window_bytes // 2
    for n in range(6):
        bench.load(src=half * n + n, dst=half * (n % 2), inner=half, wait_window=max(0, n - 1))
        bench.window(mode=SUM, k=16, nx=16, ny=4, base=half * (n % 2), step_x=4, step_y=100,
                     multiplier=3 << 28, shift=-1, rounding=Rounding.AWAY,
                     **bench.waits("wload"))  # fmt: skip
    bench.run()
    order = [name for _, name in sorted(bench.completions)]
    assert order == ["wload", "wload", *["window", "wload"] * 4, "window", "window"]


def test_marks_follow_the_data():
    bench = Bench(machine(bus_bytes=8), stall=0.2)
    bench.fill_buffer()
    marks = [SIZE // 2 + 128 * n for n in range(3)]
    for mark in marks:
        bench.window(mode=MAX, k=3, nx=9, ny=2, step_x=4, step_y=40, mark=1, mark_addr=mark,
                     **IDENTITY, **bench.waits("wload"))  # fmt: skip
    bench.run()
    completed = [cycle for cycle, name in bench.completions if name == "window"]
    for mark, cycle in zip(marks, completed, strict=True):
        record = bench.sink.memory[mark : mark + RECORD_BYTES]
        words = [int.from_bytes(record[n : n + 4], "little") for n in range(0, RECORD_BYTES, 4)]
        assert words == list(range(words[0], words[0] + RECORD_WORDS))
        assert abs(words[0] - cycle) <= 2


def test_waits_hold_commands_back():
    bench = Bench(machine())
    bench.fill_buffer()
    bench.window(mode=MAX, k=1, nx=1, ny=1, wait_post=1, **IDENTITY, **bench.waits("wload"))
    bench.load(src=0, dst=0, inner=4, **bench.waits("window"))
    unit = bench.unit

    async def release(ctx):
        await ctx.tick().repeat(400)
        assert bench.done == {"wload": 1, "wparam": 0, "window": 0} and not bench.issues
        assert not ctx.get(unit.idle.window) and not ctx.get(unit.idle.wload)
        ctx.set(unit.done.post, 1)

    bench.run(release)


@pytest.mark.parametrize("op", (Op.WINDOW, Op.WLOAD, Op.WPARAM))
def test_halt(op):
    """Nothing is asked for and nothing is begun."""
    bench = Bench(machine())
    if op == Op.WINDOW:
        bench.window(mode=MAX, k=1, nx=9, ny=9, **IDENTITY)
    elif op == Op.WLOAD:
        bench.fill_buffer()
    else:
        bench.record(4)

    async def halted(ctx):
        ctx.set(bench.unit.halt, 1)
        await ctx.tick().repeat(60)
        assert not bench.memory.bursts and not bench.issues
        ctx.set(bench.unit.halt, 0)

    bench.run(halted)
