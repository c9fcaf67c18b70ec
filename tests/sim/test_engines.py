"""Both engines around a small machine: the same bytes, cycles and errors."""

import numpy as np
import pytest

from accel.isa import Error
from accel.params import Params
from accel.sim import get_engine
from accel.sim import verilator as verilator_module
from accel.sim.engine import MachineError, Memory, SimulationError
from accel.sim.pysim import PysimEngine
from accel.sim.verilator import VerilatorEngine
from tests.sim.copier import FAULTS, Copier

START = 4096 - 64
PARAMS = Params(rows=4, cols=4, timeout_cycles=300)


@pytest.fixture(scope="module")
def engines():
    both = PysimEngine(Copier), VerilatorEngine(Copier)
    for engine in both:
        engine.build(PARAMS)
    return both


def copy(engine, beats, behaviour, fault="none", start=START, max_cycles=20_000):
    """Run the machine; return the outcome without its time, and the memory."""
    memory = np.random.default_rng(1).integers(0, 256, 16384, dtype=np.uint8)
    commands = beats | FAULTS[fault] << 28
    outcome = engine.run(memory, start, commands, behaviour, max_cycles)
    assert outcome.seconds > 0
    return outcome.error, outcome.where, outcome.counters | outcome.traffic, memory


def expected(beats):
    memory = np.random.default_rng(1).integers(0, 256, 16384, dtype=np.uint8)
    size = 16 * beats
    memory[START + size : START + 2 * size] = memory[START : START + size]
    return memory


def agree(engines, *arguments, **keywords):
    """Run both engines and compare everything; return what they agree on."""
    slow, fast = (copy(engine, *arguments, **keywords) for engine in engines)
    assert slow[:3] == fast[:3]
    assert (slow[3] == fast[3]).all()
    return slow


@pytest.mark.parametrize(
    "behaviour",
    [
        Memory(),
        Memory(latency_cycles=0),
        Memory(latency_cycles=1, bytes_per_cycle=5),
        Memory(bytes_per_cycle=100),
        Memory(dram="ddr3-1600x16"),
        Memory(dram="lpddr4-3200x16", clock_mhz=800, latency_cycles=3),
        Memory(dram="ddr3-1600x32", clock_mhz=20, stall_seed=7, stall_percent=30),
        *(Memory(stall_seed=7919 * n, stall_percent=n, bytes_per_cycle=n % 17, latency_cycles=n % 7)
          for n in (1, 20, 50, 75)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("beats", [1, 16, 150])
def test_same_bytes_and_cycles(engines, beats, behaviour):
    error, where, counters, memory = agree(engines, beats, behaviour)
    assert error is Error.NONE
    assert where == 7
    assert counters["read_beats"] == counters["write_beats"] == beats
    rate = behaviour.bytes_per_cycle or 16
    assert counters["cycles"] == counters["busy"] >= (2 * beats - 2) * 16 // rate
    assert (memory == expected(beats)).all()


def test_every_run_starts_afresh(engines):
    first = agree(engines, 40, Memory())
    agree(engines, 40, Memory(fail_read=START))
    slow = Memory(dram="lpddr4-3200x16", clock_mhz=800)
    assert agree(engines, 40, slow)[2] == agree(engines, 40, slow)[2]
    again = agree(engines, 40, Memory())
    assert first[:3] == again[:3]
    assert (first[3] == again[3]).all()


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Memory(dead=True), Error.TIMEOUT),
        (Memory(fail_read=START + 100), Error.AXI_READ),
        (Memory(fail_write=START + 2000), Error.AXI_WRITE),
    ],
)
def test_errors_of_the_memory_reach_the_outcome(engines, behaviour, error):
    assert agree(engines, 100, behaviour)[0] is error


def test_beyond_the_memory_is_an_error(engines):
    assert agree(engines, 50, Memory(), start=16384 - 256)[0] is Error.AXI_READ
    assert agree(engines, 50, Memory(), start=16384 - 1024)[0] is Error.AXI_WRITE


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"fault": "wlast"}, "AXI4 violation in cycle .*: WLAST is 1 at beat 1 of 16"),
        ({"fault": "cross"}, "AR burst of 16 from 0xfc0 crosses 4 KiB"),
        ({"fault": "drop"}, "AR changed before it was taken"),
        ({"fault": "size"}, "AR has burst type 1 and beat size 8"),
        ({"fault": "control"}, "register 0xc did not answer within 1000 cycles"),
        ({"start": START + 8}, "AR address 0xfc8 is not bus-aligned"),
        ({"max_cycles": 150}, "no interrupt within 150 cycles"),
    ],
)
def test_misbehaviour_is_reported_alike(engines, keywords, message):
    behaviour = Memory(stall_seed=1, stall_percent=50)
    messages = []
    for engine in engines:
        with pytest.raises(MachineError, match=message) as error:
            copy(engine, 100, behaviour, **keywords)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_unbuilt_engines_and_bad_behaviour_are_refused(engines):
    for engine in (PysimEngine(Copier), VerilatorEngine(Copier)):
        with pytest.raises(SimulationError, match="has not been built"):
            copy(engine, 1, Memory())
    for engine in engines:
        with pytest.raises(ValueError, match="stall_percent must be"):
            copy(engine, 1, Memory(stall_percent=101))


def test_waveform(tmp_path):
    file = tmp_path / "wave.vcd"
    engine = PysimEngine(Copier, vcd=str(file))
    engine.build(PARAMS)
    copy(engine, 1, Memory())
    assert "m_axi_araddr" in file.read_text()


def test_get_engine(monkeypatch):
    assert get_engine("pysim").name == "pysim"
    assert get_engine("verilator").name == "verilator"
    assert get_engine("auto").name == ("verilator" if verilator_module.available() else "pysim")
    monkeypatch.setenv("PATH", "")
    assert not verilator_module.available()
    assert get_engine("auto").name == "pysim"
    with pytest.raises(ValueError, match="engine must be one of auto, verilator, pysim, not 'gem'"):
        get_engine("gem")
