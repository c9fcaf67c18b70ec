"""The idle causes add up: exactly one for every counted cycle."""

import random

from amaranth.sim import Simulator

from accel.isa import RECORD
from accel.rtl.control.counters import Counters

CAUSES = ("busy", "fill", "weight", "memory", "post", "sync")
EXEC_STATES = ("busy", "wait_load", "wait_bank", "wait_weights", "idle")


class Twin:
    """The same counters in Python, from the written rules."""

    def __init__(self):
        self.counts = dict.fromkeys(RECORD, 0)
        self.macs = 0
        self.started = False

    def cause(self, state, load_active, fifo_empty, drained):
        if state == "busy":
            return "busy"
        if not self.started or drained:
            return "fill"
        if state == "wait_load":
            return "memory" if load_active else "sync"
        if state == "wait_bank":
            return "post"
        if state == "wait_weights":
            return "memory" if fifo_empty else "weight"
        return "sync"

    def step(
        self, run, state, load_active, fifo_empty, drained, macs, window_macs, window_busy,
        reads, writes, done,
    ):
        if not run:
            return
        name = self.cause(state, load_active, fifo_empty, drained)
        self.counts[name] += 1
        self.started |= state == "busy"
        self.counts["cycles"] += 1
        self.macs += macs + window_macs
        self.counts["window_busy"] += window_busy
        self.counts["macs_low"] = self.macs & 0xFFFFFFFF
        self.counts["macs_high"] = self.macs >> 32
        self.counts["read_beats"] += reads
        self.counts["write_beats"] += writes
        self.counts |= {f"done_{key}": value for key, value in done.items() if key != "wload"}


def run(steps, lag=2):
    """Drive ``steps``; compare the record with the twin's, ``lag`` cycles behind, in every cycle.

    The done counts have one register stage less than the others.
    """
    dut = Counters()
    sim = Simulator(dut)
    sim.add_clock(1e-8)
    history = []

    async def main(ctx):
        twin = Twin()
        history.append(dict(twin.counts))
        for step in [*steps, *[quiet()] * lag]:
            for port in ("run", "load_active", "fifo_empty", "drained", "macs", "window_macs",
                         "window_busy"):  # fmt: skip
                ctx.set(getattr(dut, port), step[port])
            ctx.set(dut.read_beat, step["reads"])
            ctx.set(dut.write_beat, step["writes"])
            ctx.set(dut.done, step["done"])
            for name in EXEC_STATES[:-1]:
                ctx.set(getattr(dut, name), step["state"] == name)
            twin.step(**step)
            history.append(dict(twin.counts))
            await ctx.tick()
            got = {name: ctx.get(dut.record[number]) for name, number in RECORD.items()}
            assert sum(got[name] for name in CAUSES) == got["cycles"]
            old = history[-lag] if len(history) >= lag else history[0]
            for name in RECORD:
                expected = history[-1] if name.startswith("done_") else old
                assert got[name] == expected[name], (name, len(history))

    sim.add_testbench(main)
    sim.run()
    return history[-1]


def quiet(**more):
    return dict(
        run=0, state="idle", load_active=0, fifo_empty=0, drained=0, macs=0, window_macs=0,
        window_busy=0, reads=0, writes=0,
        done={"load": 0, "exec": 0, "post": 0, "wload": 0, "window": 0},
    ) | more  # fmt: skip


def test_random_activity():
    rng = random.Random(11)
    steps = []
    for n in range(3000):
        steps.append(
            quiet(
                run=rng.random() < 0.9,
                state="idle" if n < 50 else rng.choice(EXEC_STATES),
                load_active=rng.randrange(2),
                fifo_empty=rng.randrange(2),
                drained=n > 2800,
                macs=rng.choice([0, 1, 256, 16384, 65535]),
                window_macs=rng.choice([0, 1, 256, 65535]),
                window_busy=rng.randrange(2),
                reads=rng.randrange(2),
                writes=rng.randrange(2),
                done={"load": n, "exec": 2 * n, "post": (1 << 24) - 1 - n, "wload": 7 * n,
                      "window": 5 * n},
            )
        )
    final = run(steps)
    assert all(final[name] > 0 for name in CAUSES)


def test_each_cause():
    first = quiet(run=1, state="busy")
    cases = {
        "busy": dict(state="busy", drained=1),
        "fill": dict(state="wait_load", drained=1, load_active=1),
        "memory": dict(state="wait_load", load_active=1, fifo_empty=0),
        "sync": dict(state="wait_load", load_active=0, fifo_empty=1),
        "post": dict(state="wait_bank", load_active=1, fifo_empty=1),
        "weight": dict(state="wait_weights", load_active=1, fifo_empty=0),
    }
    for cause, levels in cases.items():
        final = run([first] + [quiet(run=1, **levels)] * 5)
        assert final[cause] == 5 + (cause == "busy")
    starved = run([first] + [quiet(run=1, state="wait_weights", fifo_empty=1)] * 5)
    assert starved["memory"] == 5


def test_frozen_while_not_running():
    moving = dict(state="busy", macs=7, window_macs=2, window_busy=1, reads=1, writes=1)
    steps = [quiet(run=1, **moving)] * 4
    stopped = [quiet(**moving, done={"load": 9})] * 9
    final = run(steps + stopped)
    assert (final["cycles"], final["macs_low"], final["read_beats"]) == (4, 36, 4)
    assert final["window_busy"] == 4
    assert final["done_load"] == 0


def test_mac_count_carries_into_its_high_word():
    dut = Counters()
    sim = Simulator(dut)
    sim.add_clock(1e-8)

    async def main(ctx):
        ctx.set(dut.run, 1)
        ctx.set(dut.macs, 65535)
        # Reaching 2**32 by counting takes too long here: begin just below it.
        ctx.set(dut.record[RECORD["macs_low"]], (1 << 32) - 65535)
        for _ in range(5):
            await ctx.tick()
        total = ctx.get(dut.record[RECORD["macs_high"]]) << 32
        total |= ctx.get(dut.record[RECORD["macs_low"]])
        assert total == (1 << 32) - 65535 + 4 * 65535

    sim.add_testbench(main)
    sim.run()
