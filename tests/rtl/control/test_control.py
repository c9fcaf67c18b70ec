"""The life of a run, errors and the watchdog."""

import random

import pytest
from amaranth.sim import Simulator

from accel.isa import Error
from accel.params import Params
from accel.registers import Reg
from accel.rtl.control.control import Control
from accel.rtl.control.limits import Budget, Watchdog
from accel.rtl.parts.reset import RESET_CYCLES
from tests.rtl.axi_lite_host import Host

PARAMS = Params(rows=8, cols=16, bus_bytes=16, timeout_cycles=100)


def simulate(main, dut=None):
    dut = dut or Control(PARAMS)
    sim = Simulator(dut)
    sim.add_clock(1e-8)

    async def bench(ctx):
        await main(ctx, dut, Host(dut.bus))

    sim.add_testbench(bench)
    sim.run()


async def begin(ctx, dut, host):
    """Start a run and follow it to the first cycle of ``run``."""
    await host.write(ctx, Reg.CONTROL, 1)
    for _ in range(2 * RESET_CYCLES + 10):
        if ctx.get(dut.core.run):
            return
        await ctx.tick()
    raise AssertionError("the run does not begin")


async def status(ctx, host):
    value = await host.read(ctx, Reg.STATUS)
    assert value & ~0xFF0F == 0
    return value & 1, value >> 1 & 1, value >> 2 & 1, Error(value >> 8)


async def is_open(ctx, host):
    return await host.read(ctx, Reg.STATUS) >> 3 & 1


def test_run_to_done():
    async def main(ctx, dut, host):
        await host.write(ctx, Reg.CONTROL, 1, strobes=0b1110)
        assert await status(ctx, host) == (0, 0, 0, Error.NONE)
        for _ in range(3):
            strobes = []

            async def watch(ctx=ctx, strobes=strobes):
                for _ in range(2 * RESET_CYCLES + 7):
                    await ctx.tick()
                    watched = (dut.reset, dut.core.start, dut.core.run)
                    strobes.append(tuple(ctx.get(signal) for signal in watched))

            ctx.set(dut.core.finished, 1)  # of the run before; the reset clears it
            bus = dut.bus
            ctx.set(bus.awaddr, Reg.CONTROL)
            ctx.set(bus.wdata, 1)
            ctx.set(bus.wstrb, 1)
            for signal in (bus.awvalid, bus.wvalid, bus.bready):
                ctx.set(signal, 1)
            await ctx.tick()
            for signal in (bus.awvalid, bus.wvalid):
                ctx.set(signal, 0)
            while not ctx.get(dut.reset):
                assert not ctx.get(dut.core.run)
                await ctx.tick()
            ctx.set(dut.core.finished, 0)
            await watch()
            held, settled = [(1, 0, 0)] * (RESET_CYCLES - 1), [(0, 0, 0)] * RESET_CYCLES
            assert strobes == held + settled + [(0, 1, 0)] + [(0, 0, 1)] * 7
            ctx.set(bus.bready, 0)
            assert await status(ctx, host) == (1, 0, 0, Error.NONE)
            assert not ctx.get(dut.irq)
            ctx.set(dut.core.finished, 1)
            await ctx.tick()
            assert ctx.get(dut.irq) and not ctx.get(dut.core.run) and not ctx.get(dut.core.halt)
            assert await status(ctx, host) == (0, 1, 0, Error.NONE)
        await host.write(ctx, Reg.CONTROL, 2, strobes=0b1110)
        assert ctx.get(dut.irq)
        await host.write(ctx, Reg.CONTROL, 2)
        assert not ctx.get(dut.irq)
        assert await status(ctx, host) == (0, 1, 0, Error.NONE)

    simulate(main)


@pytest.mark.parametrize("bus_bytes", [4, 16, 128])
def test_a_program_that_is_not_aligned_to_the_bus_is_refused(bus_bytes):
    params = Params(rows=16, cols=8, bus_bytes=bus_bytes, timeout_cycles=100)

    async def main(ctx, dut, host):
        for offset in sorted({1, 2, 3, bus_bytes // 2, bus_bytes - 1}):
            # The error of the run before is forgotten, the unaligned start leaves nothing behind.
            await host.write(ctx, Reg.PROGRAM, 0x1000 + offset)
            await host.write(ctx, Reg.CONTROL, 1)
            for _ in range(2 * RESET_CYCLES + 10):
                assert not ctx.get(dut.core.start) and not ctx.get(dut.core.run)
                await ctx.tick()
            assert ctx.get(dut.irq) and ctx.get(dut.core.halt)
            assert await status(ctx, host) == (0, 0, 1, Error.UNALIGNED_PROGRAM)
            assert await host.read(ctx, Reg.WHERE) == 0
            await host.write(ctx, Reg.CONTROL, 2)
            assert not ctx.get(dut.irq)
            assert await status(ctx, host) == (0, 0, 1, Error.UNALIGNED_PROGRAM)
            await host.write(ctx, Reg.PROGRAM, 0x1000 + bus_bytes)
            await begin(ctx, dut, host)
            assert await status(ctx, host) == (1, 0, 0, Error.NONE)
            ctx.set(dut.core.finished, 1)
            await ctx.tick()
            ctx.set(dut.core.finished, 0)
            assert await status(ctx, host) == (0, 1, 0, Error.NONE)

    simulate(main, Control(params))


def test_a_program_moved_after_its_start_is_looked_at_where_it_is_fetched():
    async def main(ctx, dut, host):
        await host.write(ctx, Reg.CONTROL, 1)
        await host.write(ctx, Reg.PROGRAM, 8)
        await ctx.tick().repeat(2 * RESET_CYCLES + 2)
        assert await status(ctx, host) == (0, 0, 1, Error.UNALIGNED_PROGRAM)

    simulate(main)


def test_start_while_busy_is_ignored():
    async def main(ctx, dut, host):
        await begin(ctx, dut, host)
        ctx.set(dut.core.progress, 1)
        bus = dut.bus
        ctx.set(bus.bready, 1)
        for signal in (bus.awvalid, bus.wvalid):
            ctx.set(signal, 1)
        ctx.set(bus.awaddr, Reg.CONTROL)
        ctx.set(bus.wdata, 1)
        ctx.set(bus.wstrb, 15)
        for _ in range(30):
            await ctx.tick()
            assert ctx.get(dut.core.run) and not ctx.get(dut.reset) and not ctx.get(dut.core.start)

    simulate(main)


ERRORS = {
    Error.ILLEGAL_OPCODE: "fetch_error",
    Error.ILLEGAL_FIELD: "fetch_error",
    Error.AXI_READ: "read_error",
    Error.AXI_WRITE: "write_error",
}


async def strobe(ctx, *signals):
    for signal in signals:
        ctx.set(signal, 1)
    await ctx.tick()
    for signal in signals:
        ctx.set(signal, 0)


@pytest.mark.parametrize("code", ERRORS, ids=lambda code: code.name)
def test_error_stops_the_run_and_sticks(code):
    async def main(ctx, dut, host):
        source = getattr(dut.core, ERRORS[code])
        await strobe(ctx, source)  # before the run: none of its business
        assert await status(ctx, host) == (0, 0, 0, Error.NONE)
        await begin(ctx, dut, host)
        refused = source is dut.core.fetch_error
        ctx.set(dut.core.fetch_code, code if refused else Error.ILLEGAL_OPCODE)
        ctx.set(dut.core.fetch_where, 1234)
        await strobe(ctx, source)
        assert ctx.get(dut.core.run)  # it is told of in the cycle after
        # Later events change nothing.
        ctx.set(dut.core.finished, 1)
        ctx.set(dut.core.fetch_where, 99)
        await strobe(ctx, dut.core.fetch_error)
        assert (ctx.get(dut.irq), ctx.get(dut.core.run), ctx.get(dut.core.halt)) == (1, 0, 1)
        for other in ("fetch_error", "read_error", "write_error"):
            await strobe(ctx, getattr(dut.core, other))
        assert await status(ctx, host) == (0, 0, 1, code)
        where = 1234 if refused else 0
        assert await host.read(ctx, Reg.WHERE) == where
        await host.write(ctx, Reg.CONTROL, 2)
        assert (ctx.get(dut.irq), ctx.get(dut.core.halt)) == (0, 1)
        assert await status(ctx, host) == (0, 0, 1, code)
        # The next start waits for the bus, then begins clean.
        ctx.set(dut.core.finished, 0)
        ctx.set(dut.core.outstanding, 1)
        await host.write(ctx, Reg.CONTROL, 1)
        for _ in range(20):
            await ctx.tick()
            assert ctx.get(dut.core.halt) and not ctx.get(dut.reset) and not ctx.get(dut.core.run)
        assert await status(ctx, host) == (1, 0, 0, Error.NONE)
        ctx.set(dut.core.outstanding, 0)
        await ctx.tick().repeat(2 * RESET_CYCLES + 2)
        assert (ctx.get(dut.core.run), ctx.get(dut.core.halt)) == (1, 0)
        assert await host.read(ctx, Reg.WHERE) == 0

    simulate(main)


def test_of_simultaneous_errors_the_first_in_order_is_kept():
    async def main(ctx, dut, host):
        sources = (dut.core.fetch_error, dut.core.read_error, dut.core.write_error)
        ctx.set(dut.core.fetch_code, Error.ILLEGAL_FIELD)
        codes = (Error.ILLEGAL_FIELD, Error.AXI_READ, Error.AXI_WRITE)
        for first, code in enumerate(codes):
            await begin(ctx, dut, host)
            ctx.set(dut.core.finished, 1)  # an error in the very last cycle is still an error
            await strobe(ctx, *sources[first:])
            ctx.set(dut.core.finished, 0)
            assert await status(ctx, host) == (0, 0, 1, code)

    simulate(main)


@pytest.mark.parametrize("outstanding, code", [(1, Error.TIMEOUT), (0, Error.DEADLOCK)])
def test_watchdog_ends_a_run(outstanding, code):
    async def main(ctx, dut, host):
        await host.write(ctx, Reg.TIMEOUT, 40)
        await begin(ctx, dut, host)
        ctx.set(dut.core.outstanding, outstanding)
        for _ in range(5):
            await ctx.tick().repeat(40)
            assert ctx.get(dut.core.run)
            await strobe(ctx, dut.core.progress)
        await ctx.tick().repeat(41)
        assert ctx.get(dut.core.run) and not ctx.get(dut.irq)
        await ctx.tick()
        assert ctx.get(dut.irq) and ctx.get(dut.core.halt) and not ctx.get(dut.core.run)
        assert await status(ctx, host) == (0, 0, 1, code)

    simulate(main)


@pytest.mark.parametrize("limit", [1, 2, 3, 20, 30, 60, 100])
def test_the_budget_ends_a_run_wherever_it_is(limit):
    """In its ``limit``-th cycle, with the machine moving and its bus open; the next one is well."""

    async def main(ctx, dut, host):
        await host.write(ctx, Reg.BUDGET, limit)
        ctx.set(dut.core.progress, 1)
        for _ in range(2):
            await host.write(ctx, Reg.CONTROL, 1)  # answered two cycles after the start
            ctx.set(dut.core.outstanding, 1)
            for cycle in range(2, limit + 1):
                assert not ctx.get(dut.irq), cycle
                await ctx.tick()
            assert (ctx.get(dut.irq), ctx.get(dut.core.halt), ctx.get(dut.core.run)) == (1, 1, 0)
            assert await status(ctx, host) == (0, 0, 1, Error.BUDGET)
            assert await is_open(ctx, host)
            ctx.set(dut.core.outstanding, 0)
            await host.write(ctx, Reg.CONTROL, 2)
            assert not ctx.get(dut.irq)
            await ctx.tick().repeat(2 * limit)
            assert not ctx.get(dut.irq)
        for budget in (0, 2 * RESET_CYCLES + 20):
            await host.write(ctx, Reg.BUDGET, budget)
            await begin(ctx, dut, host)
            assert await status(ctx, host) == (1, 0, 0, Error.NONE)
            ctx.set(dut.core.finished, 1)
            await ctx.tick()
            ctx.set(dut.core.finished, 0)
            await ctx.tick().repeat(100)
            assert await status(ctx, host) == (0, 1, 0, Error.NONE)

    simulate(main)


@pytest.mark.parametrize("limit", range(2 * RESET_CYCLES - 4, 2 * RESET_CYCLES + 8))
def test_behind_the_budgets_end_nothing_starts(limit):
    """Also where it is just the cycle before the core would."""

    async def main(ctx, dut, host):
        await host.write(ctx, Reg.BUDGET, limit)
        await host.write(ctx, Reg.CONTROL, 1)
        while not ctx.get(dut.irq):
            await ctx.tick()
        for _ in range(2 * RESET_CYCLES + 20):
            assert not ctx.get(dut.core.start) and not ctx.get(dut.core.run)
            await ctx.tick()

    simulate(main)


@pytest.mark.parametrize("state", range(8))
def test_the_budget_ends_a_run_whose_state_is_lost(state):
    """A flip of its bits: into another state, or none; without a budget some never end."""

    async def main(ctx, dut, host):
        await host.write(ctx, Reg.BUDGET, 200)
        await begin(ctx, dut, host)
        ctx.set(dut.core.progress, 1)
        ctx.set(dut.core.outstanding, 1)
        await ctx.tick().repeat(50)
        ctx.set(dut.state.as_value(), state)
        await ctx.tick().repeat(200 - 2 * RESET_CYCLES - 30)
        assert ctx.get(dut.irq)
        assert await status(ctx, host) == (0, 0, 1, Error.BUDGET)

    simulate(main)


def test_abort_within_the_budget_is_an_abort_and_behind_it_none():
    async def main(ctx, dut, host):
        for still, code in ((1, Error.ABORTED), (0, Error.BUDGET)):
            await host.write(ctx, Reg.BUDGET, 200)
            await begin(ctx, dut, host)
            ctx.set(dut.core.progress, 1)
            ctx.set(dut.core.outstanding, 1)
            await host.write(ctx, Reg.CONTROL, ABORT)
            await ctx.tick().repeat(2 * RESET_CYCLES)
            if still:
                ctx.set(dut.core.outstanding, 0)
            await ctx.tick().repeat(200)
            assert await status(ctx, host) == (0, 0, 1, code)
            ctx.set(dut.core.outstanding, 0)

    simulate(main)


def test_start_on_a_dead_bus_times_out_again():
    async def main(ctx, dut, host):
        ctx.set(dut.core.outstanding, 1)
        await host.write(ctx, Reg.CONTROL, 1)
        await ctx.tick().repeat(PARAMS.timeout_cycles + 5)
        assert await status(ctx, host) == (0, 0, 1, Error.TIMEOUT)
        assert ctx.get(dut.irq)

    simulate(main)


ABORT = 4


def test_abort_awaits_the_bus_and_leaves_the_next_start_clean():
    async def main(ctx, dut, host):
        for silent_after in (0, 10, 3 * RESET_CYCLES):
            await begin(ctx, dut, host)
            ctx.set(dut.core.outstanding, 1)
            ctx.set(dut.core.progress, 1)
            await host.write(ctx, Reg.CONTROL, ABORT, strobes=0b1110)
            assert ctx.get(dut.core.run)
            await host.write(ctx, Reg.CONTROL, ABORT)
            assert ctx.get(dut.core.halt) and not ctx.get(dut.core.run)
            # What the core tells of its bus comes late: it may yet be silent only by chance.
            for cycle in range(4 * RESET_CYCLES):
                ctx.set(dut.core.outstanding, cycle < silent_after)
                if cycle in (0, 2 * RESET_CYCLES - 10):
                    assert not ctx.get(dut.irq)
                await ctx.tick()
            assert ctx.get(dut.irq) and ctx.get(dut.core.halt) and not ctx.get(dut.reset)
            assert await status(ctx, host) == (0, 0, 1, Error.ABORTED)
            assert not await is_open(ctx, host)
            await host.write(ctx, Reg.CONTROL, 2)
            await begin(ctx, dut, host)
            assert await status(ctx, host) == (1, 0, 0, Error.NONE)
            ctx.set(dut.core.finished, 1)
            await ctx.tick()
            ctx.set(dut.core.finished, 0)
            assert await status(ctx, host) == (0, 1, 0, Error.NONE)

    simulate(main)


@pytest.mark.parametrize("wait", [1, 20, 2 * RESET_CYCLES - 10])
def test_abort_between_start_and_run_is_not_lost(wait):
    async def main(ctx, dut, host):
        await host.write(ctx, Reg.CONTROL, 1)
        await ctx.tick().repeat(wait)
        await host.write(ctx, Reg.CONTROL, ABORT)
        await ctx.tick().repeat(4 * RESET_CYCLES + 10)
        assert await status(ctx, host) == (0, 0, 1, Error.ABORTED)

    simulate(main)


def test_abort_of_nothing_does_nothing():
    """Neither then nor to the next start."""

    async def main(ctx, dut, host):
        await host.write(ctx, Reg.CONTROL, ABORT)
        assert not ctx.get(dut.core.halt) and not ctx.get(dut.irq)
        assert await status(ctx, host) == (0, 0, 0, Error.NONE)
        await begin(ctx, dut, host)
        await ctx.tick().repeat(10)
        assert await status(ctx, host) == (1, 0, 0, Error.NONE)

    simulate(main)


def test_abort_on_a_dead_bus_ends_in_timeout_and_tells_that_the_bus_is_open():
    async def main(ctx, dut, host):
        await begin(ctx, dut, host)
        ctx.set(dut.core.outstanding, 1)
        await host.write(ctx, Reg.CONTROL, ABORT)
        await ctx.tick().repeat(PARAMS.timeout_cycles + 2 * RESET_CYCLES - 20)
        assert await status(ctx, host) == (1, 0, 0, Error.NONE)
        await ctx.tick().repeat(25)
        assert ctx.get(dut.irq)
        assert await status(ctx, host) == (0, 0, 1, Error.TIMEOUT)
        assert await is_open(ctx, host)
        ctx.set(dut.core.outstanding, 0)  # at last
        await ctx.tick()
        assert not await is_open(ctx, host)

    simulate(main)


def test_after_an_error_the_bus_counts_as_open_until_all_of_the_core_has_halted():
    async def main(ctx, dut, host):
        await begin(ctx, dut, host)
        assert not await is_open(ctx, host)
        await strobe(ctx, dut.core.write_error)
        for _ in range(5):
            assert await is_open(ctx, host)
        await ctx.tick().repeat(2 * RESET_CYCLES)
        assert not await is_open(ctx, host)

    simulate(main)


def test_the_base_reaches_the_core_and_stays_while_busy():
    async def main(ctx, dut, host):
        await host.write(ctx, Reg.BASE, 0x40000FFF)
        assert await host.read(ctx, Reg.BASE) == 0x40000000
        assert ctx.get(dut.core.base) == 0x40000
        await host.write(ctx, Reg.CONTROL, 1)
        for _ in range(6):
            await host.write(ctx, Reg.BASE, 0x50000000)
            await ctx.tick().repeat(20)
            assert ctx.get(dut.core.base) == 0x40000
        await strobe(ctx, dut.core.read_error)
        await host.write(ctx, Reg.BASE, 0x50000000)
        assert ctx.get(dut.core.base) == 0x50000

    simulate(main)


def test_watchdog_counts_only_unbroken_silence():
    dut = Watchdog()
    rng = random.Random(4)

    async def main(ctx):
        silent = 0
        limit = 5
        ctx.set(dut.limit, limit)
        await ctx.tick()
        for _ in range(2000):
            enable, progress = rng.random() < 0.97, rng.random() < 0.15
            ctx.set(dut.enable, enable)
            ctx.set(dut.progress, progress)
            silent = silent + 1 if enable and not progress else 0
            assert ctx.get(dut.expired) == (silent == limit + 1)
            if silent == limit + 1:  # the control then disables it
                await ctx.tick()
                ctx.set(dut.enable, 0)
                silent = 0
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(main)
    sim.run()


def test_the_budget_counts_from_a_start_to_the_end():
    dut = Budget()
    rng = random.Random(5)

    async def main(ctx):
        left, limit = None, 0
        for _ in range(5000):
            start, ended = rng.random() < 0.05, rng.random() < 0.03
            if rng.random() < 0.02:
                limit = rng.choice((0, 1, 2, 3, 10, 30))
                ctx.set(dut.limit, limit)
                await ctx.tick()
                left = left and left - 1
                if left == 0:
                    left = None  # nobody looked
            ctx.set(dut.start, start)
            ctx.set(dut.ended, ended)
            assert ctx.get(dut.expired) == (left == 1)
            await ctx.tick()
            if start:
                left = limit or None
            elif ended or left == 1:
                left = None
            elif left is not None:
                left -= 1
            ctx.set(dut.start, 0)

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(main)
    sim.run()
