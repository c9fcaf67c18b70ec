"""The machine as WebAssembly is the machine: bytes, cycles, counters, and what is looked at."""

import pathlib
import re

import numpy as np
import pytest

from accel import golden
from accel.batch import run_batch
from accel.isa import RECORD
from accel.page import check, probes, vectors
from accel.params import IM2COL_LATENCY
from accel.registers import Reg
from accel.sim import get_engine, traced
from accel.sim.engine import MachineError
from accel.sim.host import outcome
from accel.sim.pysim import PysimEngine
from accel.sim.toolchain import find_verilator
from accel.trace import START, cut, trace
from tests.page.support import MACHINE, module, subject

ISSUED, SWAP, READ, WRITE = 1, 2, 4, 8
#: From a vector at the array's edge to the operands of its first cell's multiplier.
MULTIPLIES = 2


@pytest.fixture(scope="module")
def instance():
    return check.Instance(module())


def test_the_module_does_not_tell_where_it_was_built():
    folders = [str(find_verilator()), str(pathlib.Path(check.__file__).parents[2])]
    assert b"verilator/include/verilated.cpp" in module().code
    assert not [folder for folder in folders if folder.encode() in module().code]


@pytest.mark.parametrize("name", ["lenet5", "mnist", "shallow", "kws"])
def test_bytes_counters_and_layers_are_the_native_simulators(instance, name):
    """Bytes against golden, all counters against the simulator that every run uses."""
    network = subject(name)
    native = get_engine("auto")
    native.build(MACHINE.params)
    right = golden.run(network.graph, {network.graph.inputs[0].tensor: network.images})
    for number, image in enumerate(network.images):
        instance.begin(network, image)
        instance.advance(check.MOST_CYCLES)
        assert instance.finished
        space = instance.space()
        for layer in network.program.layers:
            computed = network.program.tensors[layer.output].view(space)[0]
            assert np.array_equal(computed, right[layer.output][number].reshape(computed.shape))
        ended = outcome(instance.results(), 0.0)
        (ran,) = run_batch(
            native, network.program, network.graph, image[None], MACHINE.memory
        ).outcomes
        assert ended.counters == ran.counters
        log = instance.log()
        counted = [int(np.count_nonzero(log >> 4 == 1 + n)) for n in range(len(probes.CAUSES))]
        assert counted == [ended.counters[name] for name in probes.CAUSES]
        assert np.count_nonzero(log & ISSUED) == ended.counters["busy"]
        assert np.count_nonzero(log & READ) == ended.counters["read_beats"]
        assert np.count_nonzero(log & WRITE) == ended.counters["write_beats"]


def test_a_thousand_cycles_counters_are_those_of_amaranths_own_simulator(instance, tmp_path):
    """Which has neither Verilator nor C++ in it."""
    network = subject("notes", 1)
    program, cycles = network.program, 1000
    (step,) = program.steps
    space = program.image.copy()
    program.tensors[network.graph.inputs[0].tensor].view(space)[0] = network.images[0]
    engine, path = PysimEngine(), tmp_path / "counters.vcd"
    engine.build(MACHINE.params)
    arguments = space, step.start, step.commands, MACHINE.memory, check.MOST_CYCLES
    cut.run(engine, arguments, path, START, START + cycles,
            registers={Reg.BUDGET: check.MOST_CYCLES})  # fmt: skip
    wanted = _records(path.read_text(), cycles)
    instance.begin(network, network.images[0])
    instance.advance(START + 1)
    for cycle in range(cycles):
        record = dict(zip(probes.COUNTED, instance.group("counters").tolist(), strict=True))
        assert record == {name: wanted[cycle][name] for name in probes.COUNTED}, cycle
        assert instance.group("macs")[0] == wanted[cycle]["macs_low"]
        instance.advance(1)
    assert record["cycles"] == cycles - 1 and record["busy"] > 0


@pytest.mark.campaign  # builds another simulator; pysim above knows as much
def test_a_thousand_cycles_counters_are_the_native_simulators(instance, tmp_path):
    """In the middle of LeNet-5, from a waveform of the native simulator."""
    pywellen = pytest.importorskip("pywellen", reason="needs a reader: pip install pywellen")
    first, count = 5000, 1000
    made = trace("lenet5", "conv2", tmp_path, machine=MACHINE, engine="verilator",
                 cycles=(first, first + count + 1))  # fmt: skip
    wave = pywellen.Waveform(str(made.path))
    unit = {"ns": 1, "ps": 10**3, "fs": 10**6}[str(wave.timescale.unit).rpartition(".")[2]]
    (signal,) = (one.signal for one in wave.all_vars()
                 if one.full_name.endswith("machine.core.counters.record"))  # fmt: skip
    network = subject("lenet5")
    instance.begin(network, network.images[0])
    instance.advance(START + first + 1)
    for cycle in range(first, first + count):
        value = signal.value_at((START + cycle) * traced.PERIOD * unit)
        wanted = {name: value >> 32 * RECORD[name] & 0xFFFFFFFF for name in probes.COUNTED}
        record = dict(zip(probes.COUNTED, instance.group("counters").tolist(), strict=True))
        assert record == wanted and record["cycles"] == cycle
        instance.advance(1)


def _records(vcd: str, count: int) -> list[dict[str, int]]:
    """The counters in each cycle of a waveform of pysim."""
    header, _, body = vcd.partition("$enddefinitions")
    (code,) = re.findall(r"\$scope module counters .*?\$var \S+ 512 (\S+) record ", header, re.S)
    records, value, begin = [], 0, None
    for line in body.splitlines():
        if line.startswith("#"):
            now = int(line[1:])
            begin = now if begin is None else begin
            # A cycle's values are those at its beginning: the clock rises in its middle.
            while len(records) < count and begin + len(records) * cut.PERIOD < now:
                records.append(value)
        elif line.endswith(f" {code}"):
            value = int(line.split()[0][1:], 2)
    records += [value] * (count - len(records))
    return [{name: one >> 32 * number & 0xFFFFFFFF for name, number in RECORD.items()}
            for one in records]  # fmt: skip


@pytest.mark.parametrize("name, layers", [
    ("lenet5", ("conv1", "conv2", "dense1")), ("mnist", ("Convolution110",)),
])  # fmt: skip
def test_cells_hold_a_pixels_bytes_and_weights_in_the_cycles_that_the_page_tells(
    instance, name, layers
):
    """For some outputs of each layer: byte, weight and sum in the array, lane by lane."""
    network, random = subject(name), np.random.default_rng(5)
    (step,) = network.program.steps
    found = vectors.blocks(network.program, step, network.graph)
    right = golden.run(network.graph, {network.graph.inputs[0].tensor: network.images[:1]})
    nodes = {node.name: node for node in network.graph.nodes}
    instance.begin(network, network.images[0])
    instance.advance(check.MOST_CYCLES)
    issued = np.flatnonzero(instance.log() & ISSUED) + 1
    wanted = []
    for layer in layers:
        conv = nodes[layer]
        for block in random.choice(np.array(found[layer], dtype=object), 2):
            number, column = int(random.integers(block.count)), int(random.integers(block.cols))
            wanted += _expected(conv, right, network, block, number, column, issued)
    cols = network.program.params.cols
    instance.begin(network, network.images[0])
    for cycle, row, column, byte, weight in sorted(wanted):
        instance.advance(cycle - instance.cycle)
        cell = row * cols + column
        assert instance.group("activation")[cell] == byte
        assert instance.group("weight")[cell] == weight


def _expected(conv, right, network, block, number, column, issued):
    """For each lane of a pixel's vectors: the cycle, its cell, and what the cell multiplies."""
    graph, rows = network.graph, network.program.params.rows
    tensor = graph.tensors[conv.input]
    values = right[conv.input][0].reshape(tensor.shape)
    place = block.first + number
    y, x = block.y + place // block.width, block.x + place % block.width
    for one in block.execs:
        for i in range(one.fields["k"]):
            ky, kx, first, last = one.taps[i // (one.taps[0][3] - one.taps[0][2])]
            c = first + i % (last - first)
            at = (y * conv.stride[0] - conv.padding[0] + ky,
                  x * conv.stride[1] - conv.padding[1] + kx)  # fmt: skip
            inside = all(0 <= a < size for a, size in zip(at, tensor.shape[:2], strict=True))
            byte = int(values[at][c]) if inside else tensor.zero_point
            weight = int(conv.weights[block.channel + column, ky, kx, c])
            cycle = issued[one.vector + i // rows * block.count + number]
            row = i % rows
            then = int(cycle) + IM2COL_LATENCY + MULTIPLIES + row + column
            yield then, row, column, byte, weight


def test_a_machine_can_be_stopped_begun_again_and_gone_on_with(instance):
    network = subject("lenet5")
    instance.begin(network, network.images[0])
    assert instance.advance(777) == 777 and instance.cycle == 777 and not instance.finished
    before = instance.group("sum")
    assert instance.advance(check.MOST_CYCLES, check.VECTOR) < 100
    assert instance.group("issued")[0] == 1
    instance.advance(check.MOST_CYCLES, check.TILE)
    assert instance.group("swap")[0] == 1
    layer = network.program.layers[0]
    instance.advance(check.MOST_CYCLES, check.LAYER, layer.mark_addr)
    word = instance.space()[layer.mark_addr : layer.mark_addr + 4].view("<u4")
    assert 0 < word[0] <= instance.cycle
    instance.begin(network, network.images[0])
    assert instance.advance(777) == 777
    assert np.array_equal(instance.group("sum"), before)


def test_the_check_finds_a_byte_that_differs(monkeypatch):
    network = subject("shallow")
    found = check.check(network, module())
    assert found["compared"] == sum(
        network.graph.tensors[layer.output].size for layer in network.program.layers
    )
    right = golden.run

    def wrong(graph, images):
        tensors = right(graph, images)
        tensors[network.program.layers[-1].output][0, 0, 0, 3] ^= 1
        return tensors

    monkeypatch.setattr(golden, "run", wrong)
    with pytest.raises(MachineError, match="shallow: 1 of 2362 bytes that the WebAssembly module"):
        check.check(network, module())
