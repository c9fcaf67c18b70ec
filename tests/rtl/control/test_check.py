"""The command checker against a plain Python statement of every rule."""

import dataclasses
import random

import pytest
from amaranth.sim import Simulator

from accel.isa import COMMAND_BITS, FIELDS, Error, Op, pack
from accel.params import Params
from accel.rtl.control.check import CHECK_LATENCY, CommandCheck
from accel.rtl.control.products import POOL_LATENCY
from tests.support.rules import complete, illegal

PARAMS = Params(
    rows=8, cols=8, input_bytes=4096, acc_rows=128, pool_entries=64, bus_bytes=8, addr_bits=24,
    window_taps=2, window_bytes=1024,
)  # fmt: skip
WITHOUT_WINDOW = dataclasses.replace(PARAMS, window_taps=0)
WINDOW_OPS = (Op.WLOAD, Op.WPARAM, Op.WINDOW)

GOOD = {
    Op.LOAD: dict(
        src=0x1234, dst=100, inner=24, items=3, item_pitch=64, rows=5, row_pitch=192,
        dst_pitch=80, fill_left=3, fill_right=5, fill_value=-7,
    ),
    Op.WEIGHTS: dict(src=0x4008, tiles=9, wait_post=3),
    Op.EXEC: dict(
        first=1, last=1, cols=8, base=5, nx=8, ny=8, step_x=3, step_y=80, k=27, seg=9, seg_skip=2
    ),
    Op.POST: dict(
        begin=1, mark=1, count=64, cols=8, rounding=2, out_zero=-3, lo=-128, hi=127,
        pool=2, pool_rounding=2, kh=3, kw=3, sh=2, sw=2, pt=1, pl=2,
        in_w=8, in_h=8, out_w=4, out_h=4, dst=0x777, pitch_x=8, pitch_y=32, mark_addr=0x80,
    ),
    Op.TABLE: dict(entries=8, index0=1, multiplier0=5, shift0=-2),
    Op.WLOAD: dict(
        src=0x1235, dst=16, inner=24, items=3, item_pitch=64, rows=5, row_pitch=192,
        dst_pitch=80, fill_left=8, fill_right=16, fill_value=-7, wait_window=1,
    ),
    Op.WPARAM: dict(src=0x4008, tiles=32, wait_post=3),
    Op.WINDOW: dict(
        mode=0, mark=1, cols=8, base=8, nx=300, ny=200, step_x=16, step_y=80, k=9, seg=3,
        seg_skip=2, rounding=3, out_zero=-3, lo=-128, hi=127, dst=0x777, pitch_x=8, pitch_y=32,
        mark_addr=0x80,
    ),
    Op.ACTIVATION: dict(first=224, value0=-1, value31=-128),
}  # fmt: skip
ADD = dict(
    mode=3, k=2, multiplier=1 << 30, shift=-20, a_multiplier=1 << 30, a_shift=0,
    b_multiplier=(1 << 31) - 1, b_shift=-31,
)  # fmt: skip
MUL = dict(mode=4, k=2, multiplier=1 << 30, shift=-20, a_zero=-128, b_zero=127)

LARGE = Params(rows=8, cols=128, input_bytes=1 << 20, acc_rows=1 << 16, bus_bytes=128,
               window_bytes=1 << 20)  # fmt: skip


def verdicts(words, params=PARAMS, stall=0):
    """What the checker says about each command, and the cycles each verdict took."""
    dut = CommandCheck(params)
    sim = Simulator(dut)
    sim.add_clock(1e-8)
    rng = random.Random(1)
    given, taken, cycle = [], [], [0]

    async def clock(ctx):
        while True:
            await ctx.tick()
            cycle[0] += 1
            assert cycle[0] < 50 * (len(words) + 1), "a verdict is missing"

    async def source(ctx):
        for word in words:
            ctx.set(dut.commands.payload, word)
            ctx.set(dut.commands.valid, 1)
            await ctx.tick().until(dut.commands.ready)
            given.append(cycle[0])
            ctx.set(dut.commands.valid, 0)

    async def sink(ctx):
        result = []
        for word in words:
            while stall and rng.random() < stall:
                await ctx.tick()
            ctx.set(dut.checked.ready, 1)
            (payload,) = await ctx.tick().sample(dut.checked.payload).until(dut.checked.valid)
            taken.append(cycle[0])
            ctx.set(dut.checked.ready, 0)
            assert payload.command == word
            result.append(Error(payload.error))
        sink.result = result

    sim.add_testbench(clock, background=True)
    sim.add_testbench(source)
    sim.add_testbench(sink)
    sim.run()
    return sink.result, [b - a for a, b in zip(given, taken, strict=True)]


def word_of(op, values):
    return int.from_bytes(pack(op, **values), "little")


def expect(cases, params=PARAMS, stall=0):
    words = [word_of(op, values) for op, values in cases]
    wanted = [
        Error.ILLEGAL_FIELD if illegal(op, complete(op, values), params) else Error.NONE
        for op, values in cases
    ]
    got, _ = verdicts(words, params, stall)
    wrong = [case for case, w, g in zip(cases, wanted, got, strict=True) if w != g]
    assert not wrong
    return wanted


#: (op, changed fields, refused?).  Both sides of every limit.
EDGES = [
    (Op.LOAD, dict(rows=0), True),
    (Op.LOAD, dict(items=0), True),
    (Op.LOAD, dict(inner=0, fill_left=0, fill_right=0), True),
    (Op.LOAD, dict(inner=0, fill_left=1, fill_right=0, src=0xFFFFFFFF), False),
    (Op.LOAD, dict(inner=0, fill_left=0, fill_right=1), False),
    (Op.LOAD, dict(dst=4095), False),
    (Op.LOAD, dict(dst=4096), True),
    (Op.LOAD, dict(dst_pitch=4095), False),
    (Op.LOAD, dict(dst_pitch=4096), True),
    (Op.LOAD, dict(inner=4096, items=1, fill_left=0, fill_right=0), False),
    (Op.LOAD, dict(inner=4097, items=1, fill_left=0, fill_right=0), True),
    (Op.LOAD, dict(inner=1, items=4000, fill_left=90, fill_right=6), False),
    (Op.LOAD, dict(inner=1, items=4000, fill_left=90, fill_right=7), True),
    (Op.LOAD, dict(inner=(1 << 20) - 1, items=65535), True),
    (Op.LOAD, dict(inner=1 << 16, items=1 << 10), True),
    (Op.LOAD, dict(fill_left=(1 << 20) - 1, fill_right=(1 << 20) - 1), True),
    (Op.LOAD, dict(src=0xFFFFFF), False),
    (Op.LOAD, dict(src=0x1000000), True),
    (Op.WEIGHTS, dict(tiles=0), True),
    (Op.WEIGHTS, dict(src=0x4004), True),
    (Op.WEIGHTS, dict(src=0x4001), True),
    (Op.WEIGHTS, dict(src=0x1000000), True),
    (Op.EXEC, dict(cols=0), True),
    (Op.EXEC, dict(cols=1), False),
    (Op.EXEC, dict(cols=9), True),
    (Op.EXEC, dict(base=4095), False),
    (Op.EXEC, dict(base=4096), True),
    (Op.EXEC, dict(nx=0), True),
    (Op.EXEC, dict(ny=0), True),
    (Op.EXEC, dict(k=0), True),
    (Op.EXEC, dict(seg=0), True),
    (Op.EXEC, dict(nx=64, ny=1), False),
    (Op.EXEC, dict(nx=13, ny=5), True),
    (Op.EXEC, dict(nx=65535, ny=65535), True),
    (Op.EXEC, dict(nx=32768, ny=2), True),
    (Op.POST, dict(count=0), True),
    (Op.POST, dict(count=65), True),
    (Op.POST, dict(cols=0), True),
    (Op.POST, dict(cols=9), True),
    (Op.POST, dict(rounding=4), False),
    (Op.POST, dict(rounding=5), True),
    (Op.POST, dict(pool=3), True),
    (Op.POST, dict(pool_rounding=4), False),
    (Op.POST, dict(pool_rounding=5), True),
    (Op.POST, dict(lo=5, hi=5), False),
    (Op.POST, dict(lo=5, hi=4), True),
    (Op.POST, dict(lo=-1, hi=-2), True),
    (Op.POST, dict(near=1), True),
    (Op.POST, dict(near=1, dst=1016), False),
    (Op.POST, dict(near=1, dst=1024), True),
    (Op.POST, dict(near=1, dst=1012), True),
    (Op.POST, dict(near=1, dst=8, pitch_x=12), True),
    (Op.POST, dict(near=1, dst=8, pitch_y=36), True),
    (Op.POST, dict(in_w=0), True),
    (Op.POST, dict(in_h=0), True),
    (Op.POST, dict(out_w=0), True),
    (Op.POST, dict(out_h=0), True),
    (Op.POST, dict(begin=0, in_w=0), False),
    (Op.POST, dict(kh=0), True),
    (Op.POST, dict(kw=0), True),
    (Op.POST, dict(sh=0), True),
    (Op.POST, dict(sw=0), True),
    (Op.POST, dict(pt=3), True),
    (Op.POST, dict(pl=3), True),
    (Op.POST, dict(pool=0, kh=0, kw=0, sh=0, sw=0), False),
    (Op.POST, dict(kw=33, sw=2, out_w=16), False),
    (Op.POST, dict(kw=33, sw=2, out_w=17), True),
    (Op.POST, dict(kw=32, sw=2, out_w=17), False),
    (Op.POST, dict(kh=16, sh=2, out_w=8), False),
    (Op.POST, dict(kh=17, sh=2, out_w=8), True),
    (Op.POST, dict(kh=255, sh=255, pt=254, out_w=64), False),
    (Op.POST, dict(kh=255, sh=1, out_w=1), True),
    (Op.POST, dict(kh=3, sh=2, out_w=65535), True),
    (Op.POST, dict(dst=0x1000000), True),
    (Op.POST, dict(mark_addr=4), True),
    (Op.POST, dict(mark_addr=0x1000000), True),
    (Op.POST, dict(mark=0, mark_addr=4), False),
    (Op.TABLE, dict(entries=0), True),
    (Op.TABLE, dict(entries=1), False),
    (Op.TABLE, dict(entries=9), True),
    (Op.TABLE, dict(entries=15), True),
    (Op.WLOAD, dict(rows=0), True),
    (Op.WLOAD, dict(items=0), True),
    (Op.WLOAD, dict(inner=0, fill_left=0, fill_right=0), True),
    (Op.WLOAD, dict(dst=1023), False),
    (Op.WLOAD, dict(dst=1024), True),
    (Op.WLOAD, dict(dst_pitch=1023), False),
    (Op.WLOAD, dict(dst_pitch=1024), True),
    (Op.WLOAD, dict(inner=1024, items=1, fill_left=0, fill_right=0), False),
    (Op.WLOAD, dict(inner=1025, items=1, fill_left=0, fill_right=0), True),
    (Op.WLOAD, dict(inner=8, items=125, fill_left=8, fill_right=16), False),
    (Op.WLOAD, dict(inner=8, items=125, fill_left=16, fill_right=16), True),
    (Op.WLOAD, dict(inner=4096, items=1), True),
    (Op.WLOAD, dict(src=0x1000000), True),
    (Op.WPARAM, dict(tiles=0), True),
    (Op.WPARAM, dict(tiles=1), False),
    (Op.WPARAM, dict(tiles=33), True),
    (Op.WPARAM, dict(src=0x4004), True),
    (Op.WPARAM, dict(src=0x1000000), True),
    (Op.WINDOW, dict(cols=0), True),
    (Op.WINDOW, dict(cols=9), True),
    (Op.WINDOW, dict(base=1016), False),
    (Op.WINDOW, dict(base=1024), True),
    (Op.WINDOW, dict(base=12), True),
    (Op.WINDOW, dict(step_x=17), True),
    (Op.WINDOW, dict(step_y=84), True),
    (Op.WINDOW, dict(step_x=0, step_y=0), False),
    (Op.WINDOW, dict(near=1, dst=4095), False),
    (Op.WINDOW, dict(near=1, dst=4096), True),
    (Op.WINDOW, dict(nx=0), True),
    (Op.WINDOW, dict(ny=0), True),
    (Op.WINDOW, dict(nx=65535, ny=65535), False),
    (Op.WINDOW, dict(k=0), True),
    (Op.WINDOW, dict(seg=0), True),
    (Op.WINDOW, dict(k=64), False),
    (Op.WINDOW, dict(k=65), True),
    (Op.WINDOW, dict(mode=1, k=65535), False),
    (Op.WINDOW, dict(mode=2, k=65535), False),
    (Op.WINDOW, dict(lo=1, hi=0), True),
    (Op.WINDOW, dict(dst=0x1000000), True),
    (Op.WINDOW, dict(mark_addr=4), True),
    (Op.WINDOW, dict(mark_addr=0x1000000), True),
    (Op.WINDOW, dict(mark=0, mark_addr=4), False),
    (Op.WINDOW, dict(shift=31), False),
    (Op.WINDOW, dict(rounding=4), False),
    (Op.WINDOW, dict(rounding=5), True),
    (Op.WINDOW, dict(mode=1, rounding=4, multiplier=(1 << 31) - 64), True),
    (Op.WINDOW, dict(mode=1, multiplier=(1 << 31) - 128), False),
    (Op.WINDOW, dict(mode=1, multiplier=(1 << 31) - 64), True),
    (Op.WINDOW, dict(mode=1, multiplier=(1 << 30) + 1), True),
    (Op.WINDOW, dict(mode=1, multiplier=1 << 29), True),
    (Op.WINDOW, dict(mode=1, rounding=2, multiplier=(1 << 29) + 1), False),
    (Op.WINDOW, dict(mode=0, multiplier=5), False),
    (Op.WINDOW, dict(mode=2, shift=31), True),
    (Op.WINDOW, dict(mode=2, shift=30), False),
    (Op.WINDOW, dict(mode=1, shift=-31), False),
    (Op.WINDOW, dict(mode=1, shift=-32), True),
    (Op.WINDOW, dict(mode=1, a_multiplier=5, b_shift=1, offset=9), False),
    (Op.WINDOW, ADD, False),
    (Op.WINDOW, ADD | dict(k=1), True),
    (Op.WINDOW, MUL, False),
    (Op.WINDOW, MUL | dict(k=1), True),
    (Op.WINDOW, MUL | dict(k=3), True),
    (Op.WINDOW, MUL | dict(offset=-1), True),
    (Op.WINDOW, MUL | dict(a_multiplier=1), True),
    (Op.WINDOW, MUL | dict(a_shift=-1), True),
    (Op.WINDOW, MUL | dict(b_multiplier=1), True),
    (Op.WINDOW, MUL | dict(b_shift=-1), True),
    (Op.WINDOW, MUL | dict(mode=7), True),
    (Op.WINDOW, MUL | dict(mode=6), False),
    (Op.WINDOW, MUL | dict(mode=6, k=1), True),
    (Op.WINDOW, MUL | dict(mode=6, k=3), True),
    (Op.WINDOW, ADD | dict(mode=5), False),
    (Op.WINDOW, ADD | dict(mode=5, k=1), True),
    (Op.WINDOW, ADD | dict(mode=5, k=3), True),
    (Op.WINDOW, ADD | dict(mode=5, offset=1), True),
    (Op.WINDOW, ADD | dict(offset=-1, b_shift=-23), True),
    (Op.WINDOW, ADD | dict(offset=-128, b_shift=-22), False),
    (Op.WINDOW, ADD | dict(mode=5, a_shift=1), True),
    (Op.WINDOW, ADD | dict(mode=5, b_shift=-32), True),
    (Op.WINDOW, ADD | dict(k=3), True),
    (Op.WINDOW, ADD | dict(a_shift=1), True),
    (Op.WINDOW, ADD | dict(a_shift=-32), True),
    (Op.WINDOW, ADD | dict(b_shift=1), True),
    (Op.WINDOW, ADD | dict(b_shift=-32), True),
    (Op.ACTIVATION, dict(first=0), False),
    (Op.ACTIVATION, dict(first=255), True),
    (Op.ACTIVATION, dict(first=16), True),
    (Op.ACTIVATION, dict(first=33), True),
]  # fmt: skip


def test_every_rule_on_both_sides_of_its_limit():
    cases = [(op, GOOD[op] | changes) for op, changes, _ in EDGES]
    wanted = expect(cases)
    assert [w != Error.NONE for w in wanted] == [refused for _, _, refused in EDGES]


def test_good_commands_pass_and_latency():
    words = [word_of(op, GOOD[op]) for op in Op] + [word_of(Op.POST, GOOD[Op.POST] | {"pool": 0})]
    got, cycles = verdicts(words)
    assert got == [Error.NONE] * len(words)
    longer = [POOL_LATENCY if op == Op.POST else 0 for op in Op] + [0]
    assert cycles == [CHECK_LATENCY + more for more in longer]


@pytest.mark.parametrize("params", (PARAMS, WITHOUT_WINDOW), ids=("all", "without window unit"))
def test_unknown_opcodes(params):
    words = [opcode for opcode in range(256) if opcode not in set(Op)]
    if not params.window_taps:
        words += [word_of(op, GOOD[op]) for op in WINDOW_OPS]
    words += [word | 1 << COMMAND_BITS - 1 for word in words[:3]]
    got, _ = verdicts(words, params)
    assert set(got) == {Error.ILLEGAL_OPCODE}


def test_the_rest_does_not_need_a_window_unit():
    words = [word_of(op, GOOD[op]) for op in Op if op not in WINDOW_OPS]
    got, _ = verdicts(words, WITHOUT_WINDOW)
    assert set(got) == {Error.NONE}


@pytest.mark.parametrize("op", list(Op), ids=lambda op: op.name)
def test_reserved_bits(op):
    end = FIELDS[op][-1].low + FIELDS[op][-1].width
    last = COMMAND_BITS - 1
    bits = sorted({end, min(end + 1, last), (end + COMMAND_BITS) // 2, last})
    good = word_of(op, GOOD[op])
    got, _ = verdicts([good] + [good | 1 << bit for bit in bits])
    assert got == [Error.NONE] + [Error.ILLEGAL_FIELD] * len(bits)


def test_random_fields_near_the_limits():
    rng = random.Random(7)
    cases = []
    for _ in range(800):
        op = rng.choice(list(Op))
        values = dict(GOOD[op])
        for field in rng.sample([f for f in FIELDS[op] if f.name in values], 2):
            low, high = field.range
            small = rng.randrange(0, min(high, 80) + 1)
            values[field.name] = rng.choice([small, small, rng.randint(low, high), high])
        cases.append((op, values))
    wanted = expect(cases, stall=0.3)
    assert 100 < sum(w == Error.NONE for w in wanted) < 700


def test_largest_machine():
    cases = [
        (Op.LOAD, GOOD[Op.LOAD] | dict(inner=(1 << 20) - 1, items=1, fill_left=1, fill_right=0)),
        (Op.LOAD, GOOD[Op.LOAD] | dict(inner=(1 << 20) - 1, items=1, fill_left=1, fill_right=1)),
        (Op.LOAD, GOOD[Op.LOAD] | dict(inner=1 << 10, items=1 << 10, fill_left=0, fill_right=0)),
        (Op.EXEC, GOOD[Op.EXEC] | dict(nx=32768, ny=1, cols=128)),
        (Op.EXEC, GOOD[Op.EXEC] | dict(nx=32769, ny=1)),
        (Op.WEIGHTS, GOOD[Op.WEIGHTS] | dict(src=0xFFFFFF80)),
        (Op.WEIGHTS, GOOD[Op.WEIGHTS] | dict(src=0xFFFFFFC0)),
        (Op.WLOAD, GOOD[Op.WLOAD] | dict(inner=(1 << 20) - 1, items=1, fill_left=1, fill_right=0)),
        (Op.WLOAD, GOOD[Op.WLOAD] | dict(inner=(1 << 20) - 1, items=1, fill_left=1, fill_right=1)),
        (Op.WINDOW, GOOD[Op.WINDOW] | dict(base=(1 << 20) - 128, step_x=0, step_y=128, k=64)),
        (Op.WINDOW, GOOD[Op.WINDOW] | dict(base=(1 << 20) - 64, step_x=0, step_y=128, k=64)),
    ]
    wanted = expect(cases, LARGE)
    assert [w == Error.NONE for w in wanted] == [
        True, False, True, True, False, True, False, True, False, True, False
    ]  # fmt: skip
