"""The DRAM in the cycle model: the simulators' on random streams, and programs on the RTL."""

import numba
import numpy as np
import pytest

from accel.compiler import compile_graph
from accel.cyclemodel import memory, predict, shape
from accel.cyclemodel.edge import OPTIONS
from accel.dram import CHIPS
from accel.frontend import load
from accel.models import BUILTIN
from accel.opening import open_network
from accel.params import MAX_BURST, Params
from accel.sim import get_engine
from accel.sim.engine import Memory
from accel.sim.memory import MemoryModel
from tests.support.counted import differences
from tests.support.machines import MACHINES

SIZES = {4: 2, 16: 4, 64: 6}


@numba.njit(**OPTIONS)
def begin(state, c):
    """The cycle model's memory as it is compiled: for Python it stays what it is."""
    return memory.begin(state, c)


@numba.njit(**OPTIONS)
def end(state, c, drives, read_place, read_beats, write_place, write_beats, sent):
    memory.end(state, c, drives, read_place, read_beats, write_place, write_beats, sent)


class Twins:
    """The simulators' memory and the cycle model's, given the same."""

    def __init__(self, params: Params, behaviour: Memory):
        self.bus = params.bus_bytes
        space = np.zeros(1 << 20, np.uint8)
        self.theirs = MemoryModel(space, self.bus, behaviour)
        self.c = shape.shape(params, *behaviour.timing.values())
        self.ours = memory.state(self.c)

    def cycle(self, read, write, last):
        """One cycle: bursts that are offered, as (place, beats), and whether a beat would be last.

        Returns what the memory takes of them: the read, the write, a beat.
        """
        self.theirs.begin()
        drives = begin(self.ours, self.c)
        m = self.theirs
        seen = (
            m.arready * memory.ARREADY | m.rvalid * memory.RVALID | m.awready * memory.AWREADY
            | m.wready * memory.WREADY | m.bvalid * memory.BVALID
            | (m.rvalid and m.rlast) * memory.RLAST
        )  # fmt: skip
        assert seen == drives
        size = SIZES[self.bus]
        ar, aw = (one and (one[0] * self.bus, one[1] - 1, size, 1) for one in (read, write))
        w = None if last is None else (0, 0, int(last))
        self.theirs.end(ar, 1, aw, w, 1)
        reads, writes = bool(read and m.arready), bool(write and m.awready)
        sent = bool(w and m.wready)
        end(
            self.ours, self.c, drives, *(read if reads else (0, 0)),
            *(write if writes else (0, 0)), sent,
        )  # fmt: skip
        return reads, writes, sent


def burst(rng, far):
    """Place and beats of a random burst, the places sometimes near each other."""
    beats = int(rng.integers(1, MAX_BURST + 1))
    block = int(rng.integers(0, 1 << (10 if far else 3))) * MAX_BURST
    return block + int(rng.integers(0, MAX_BURST - beats + 1)), beats


@pytest.mark.parametrize("clock", [20, 100, 700])
@pytest.mark.parametrize("chip", ["ddr3-1600x16", "lpddr4-3200x32"])
@pytest.mark.parametrize("bus", SIZES)
def test_random_streams(bus, chip, clock):
    rng = np.random.default_rng(bus + clock)
    params = Params(rows=16, cols=16, bus_bytes=bus)
    width = int(rng.choice([0, bus - 1]))
    twins = Twins(params, Memory(latency_cycles=int(rng.integers(0, 20)), dram=chip,
                                 clock_mhz=clock, bytes_per_cycle=width))  # fmt: skip
    read = write = None
    owed = []  # beats of the writes whose address was taken
    for cycle in range(4000 if bus < 64 else 12000):
        busy = rng.random() < (0.02 if cycle % 1000 < 300 else 0.5)
        read = read or (burst(rng, cycle % 2) if busy else None)
        write = write or (burst(rng, cycle % 2) if busy and rng.random() < 0.4 else None)
        last = owed[0] == 1 if owed and rng.random() < 0.9 or twins.theirs._waiting["w"] else None
        reads, writes, sent = twins.cycle(read, write, last)
        if sent:
            owed[0] -= 1
            owed = owed if owed[0] else owed[1:]
        if writes:
            owed.append(write[1])
        read, write = None if reads else read, None if writes else write
    counts = twins.theirs.traffic
    bursts = counts["read_bursts"] + counts["write_bursts"]
    assert bursts == counts["row_hits"] + counts["row_misses"] + counts["row_conflicts"] > 100
    assert min(counts["row_hits"], counts["row_conflicts"], counts["turnarounds"]) > 10


@pytest.mark.parametrize("engine, chip, clock", [
    ("verilator", "ddr3-1600x16", 100), ("verilator", "lpddr4-3200x16", 800),
    ("pysim", "ddr3-1600x16", 100),
    pytest.param("pysim", "lpddr4-3200x16", 800, marks=pytest.mark.campaign),
])  # fmt: skip
def test_a_network_on_the_rtl(engine, chip, clock):
    name = "mnist" if engine == "verilator" else "notes"
    simulator = get_engine(engine)
    simulator.build(MACHINES[0])
    program = compile_graph(open_network(name), MACHINES[0], 1)
    behaviour = Memory(dram=chip, clock_mhz=clock)
    cycles, found = differences(simulator, program, behaviour)
    assert cycles and not found, found


@pytest.mark.parametrize("clock", [50, 200, 1000])
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("machine", [0, 2])
def test_leaving_out_cycles_changes_nothing(machine, chip, clock):
    program = compile_graph(load(BUILTIN["mnist"].network), MACHINES[machine], 1)
    step = program.steps[0]
    arguments = (MACHINES[machine], program.image, step.start, step.commands, 5)
    given = {"dram": chip, "clock_mhz": clock}
    seen, all_of_it = {}, {}
    quick = predict(*arguments, **given, traffic=seen)
    assert quick == predict(*arguments, skip=False, **given, traffic=all_of_it)
    assert seen == all_of_it


def test_what_passed_is_what_was_counted():
    program = compile_graph(load(BUILTIN["mnist"].network), MACHINES[1], 1)
    step, seen = program.steps[0], {}
    counters, _ = predict(MACHINES[1], program.image, step.start, step.commands, traffic=seen)
    wrote = seen["beats"]["post"] + seen["beats"]["window"]
    assert wrote == counters["write_beats"]
    assert sum(seen["beats"].values()) - wrote == counters["read_beats"]
    assert sum(seen["bursts"].values()) == (
        seen["total"]["read_bursts"] + seen["total"]["write_bursts"]
    )
    assert seen["total"]["row_hits"] == seen["total"]["refreshes"] == 0
