"""The gate of a queue: a command passes when all that it waits for has been counted."""

import pytest

from accel.isa import FIELDS, Op
from accel.rtl.control.gate import CommandGate
from tests.rtl.read_memory import simulate


@pytest.mark.parametrize(
    "op, counter",
    [(Op.WEIGHTS, name) for name in ("load", "exec", "post")]
    + [(Op.LOAD, name) for name in ("exec", "post", "window")]
    + [(Op.WLOAD, name) for name in ("exec", "post", "window")]
    + [(Op.WPARAM, name) for name in ("load", "exec", "post")]
    + [(Op.WINDOW, name) for name in ("wload", "post", "exec")],
)
def test_a_command_waits_for_each_counter(op, counter):
    dut = CommandGate(op)
    counters = ("load", "exec", "post", "wload", "window")
    fields = [field.name for field in FIELDS[op]]
    # Counters of which the command has no wait do not hold it back.
    others = {name: 1000 if f"wait_{name}" in fields else 0 for name in counters if name != counter}
    waits = {name: 5 for name in fields if name.startswith("wait_")}
    place = "dst" if op == Op.WINDOW else "src"

    async def bench(ctx):
        ctx.set(dut.done, {**others, counter: 4})
        ctx.set(dut.input.payload, {place: 7, **waits})
        ctx.set(dut.input.valid, 1)
        ctx.set(dut.output.ready, 1)
        for _ in range(5):
            assert ctx.get(dut.held) and not ctx.get(dut.output.valid)
            await ctx.tick()
        ctx.set(dut.done, {**others, counter: 5})
        await ctx.tick()
        assert ctx.get(dut.output.valid) and ctx.get(dut.output.payload[place]) == 7
        assert ctx.get(dut.input.ready)
        await ctx.tick()
        ctx.set(dut.input.valid, 0)
        assert not ctx.get(dut.held) and not ctx.get(dut.output.valid)

    simulate(dut, bench)


def test_a_command_that_need_not_wait_does_not_open_the_gate_for_the_next():
    dut = CommandGate(Op.WEIGHTS)

    async def bench(ctx):
        ctx.set(dut.input.valid, 1)
        ctx.set(dut.output.ready, 1)
        await ctx.tick()
        assert ctx.get(dut.output.valid) and ctx.get(dut.output.payload.src) == 0
        assert ctx.get(dut.input.ready)
        await ctx.tick()
        ctx.set(dut.input.payload, {"src": 1, "wait_exec": 1})
        for _ in range(4):
            assert ctx.get(dut.held) and not ctx.get(dut.output.valid)
            await ctx.tick()

    simulate(dut, bench)
