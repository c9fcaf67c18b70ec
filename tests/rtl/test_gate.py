import pytest

from accel.isa import Op
from rtl.gate import CommandGate
from tests.rtl.read_memory import simulate


@pytest.mark.parametrize("counter", ["load", "exec", "post"])
def test_a_command_waits_for_each_counter(counter):
    dut = CommandGate(Op.WEIGHTS)
    others = {name: 1000 for name in ("load", "exec", "post") if name != counter}

    async def bench(ctx):
        ctx.set(dut.done, {**others, counter: 4})
        ctx.set(dut.input.payload, {"src": 7, "wait_load": 5, "wait_exec": 5, "wait_post": 5})
        ctx.set(dut.input.valid, 1)
        ctx.set(dut.output.ready, 1)
        for _ in range(5):
            assert ctx.get(dut.held) and not ctx.get(dut.output.valid)
            await ctx.tick()
        ctx.set(dut.done, {**others, counter: 5})
        await ctx.tick()
        assert ctx.get(dut.output.valid) and ctx.get(dut.output.payload.src) == 7
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
