"""The Verilog that users get, computing: bytes and counters in the simulators that they have.

Whole programs of the compiler; every tensor is compared with the golden model's, every counter, of
all layers and of the run, with the cycle model's.
"""

import dataclasses
import re

import numpy as np
import pytest

from accel import golden
from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.cyclemodel import predict
from accel.graph import ports
from accel.opening import open_network, own_images
from accel.params import Params
from accel.sim.engine import Memory, SimulationError
from tests.support.networks import Builder
from tests.verilog.engines import Cxxrtl, Icarus, Verilator, written

SMALL = Params(
    rows=4, cols=4, input_bytes=2048, acc_rows=64, weight_tiles=2, pool_entries=32, bus_bytes=8,
    window_taps=2, window_bytes=1024, load_beats=32,
)  # fmt: skip
LANGUAGES = ("2005", "2005-sv", "2009", "2012")


@dataclasses.dataclass(frozen=True)
class Case:
    """A network on a machine, and its images."""

    params: Params
    graph: object
    images: np.ndarray


def array_only():
    """Convolution, pooling and a fully connected layer, on a machine without a window unit."""
    rng = np.random.default_rng(1)
    net = Builder(rng, (6, 6, 2)).conv(5, (3, 3), padding=(1, 1, 1, 1))
    graph = net.pool("max", (2, 2), (2, 2)).conv(3, op="fully_connected").graph()
    images = rng.integers(-128, 128, (1, 6, 6, 2)).astype(np.int8)
    return Case(dataclasses.replace(SMALL, window_taps=0), graph, images)


def with_window():
    """A depthwise convolution, an addition and an average: what the window unit is for."""
    rng = np.random.default_rng(2)
    net = Builder(rng, (5, 5, 3)).conv(4, (3, 3), padding=(1, 1, 1, 1))
    first = net.last
    net.depthwise().conv(4).add(first)
    graph = net.pool("average", (5, 5), (1, 1)).graph()
    images = rng.integers(-128, 128, (1, 5, 5, 3)).astype(np.int8)
    return Case(SMALL, graph, images)


def lenet5():
    """The trained LeNet-5 and a digit, on the 8x8 machine."""
    graph = open_network("lenet5")
    images = ports.quantise(graph, own_images("lenet5", graph, 1)[0][:1])
    return Case(Params(rows=8, cols=8), graph, images)


def check(engine, case: Case) -> None:
    """Run ``case`` in ``engine`` and compare everything that there is."""
    program = compile_graph(case.graph, case.params, len(case.images))
    engine.build(case.params)
    ran = run_batch(engine, program, case.graph, case.images, Memory())
    expected = golden.run(case.graph, case.images)
    assert ran.tensors
    for name, values in ran.tensors.items():
        np.testing.assert_array_equal(values, expected[program.copies.get(name, name)], name)
    for step, ended, records in zip(program.steps, ran.outcomes, ran.records, strict=True):
        if step.commands:
            total, layers = predict(case.params, program.image, step.start, step.commands)
            assert ended.counters == total
            assert records == [layers[layer.mark_addr] for layer in step.layers]


def needs(reason):
    return pytest.mark.skipif(bool(reason), reason=reason or "nothing is missing")


ENGINES = {
    **{f"icarus-{name}": (lambda work, name=name: Icarus(work, name), Icarus.missing())
       for name in LANGUAGES},
    **{f"verilator-{which}": (lambda work, which=which: Verilator(work, which),
                              Verilator.missing(which)) for which in ("python", "system")},
    "cxxrtl": (Cxxrtl, Cxxrtl.missing()),
}  # fmt: skip
#: What takes long and tells least anew: a campaign.
CAMPAIGN = {
    ("icarus-2005-sv", with_window), ("icarus-2005-sv", lenet5), ("icarus-2009", with_window),
    ("icarus-2009", lenet5), ("verilator-python", lenet5), ("verilator-system", with_window),
    ("cxxrtl", with_window), ("cxxrtl", lenet5), ("icarus-2005", lenet5), ("icarus-2012", lenet5),
    ("verilator-python", with_window), ("verilator-system", lenet5),
    ("verilator-system", array_only),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}-{case.__name__}", marks=(
            needs(missing), *([pytest.mark.campaign] if (name, case) in CAMPAIGN else [])
        ))
        for name, (_, missing) in ENGINES.items() for case in (array_only, with_window, lenet5)
    ],
)  # fmt: skip
def test_a_network(name, case, tmp_path):
    check(ENGINES[name][0](tmp_path), case())


@needs(Icarus.missing())
@pytest.mark.parametrize("case", [array_only, with_window])
def test_memories_need_no_contents(case, tmp_path):
    """Their zeroes are not for synthesisers, so nothing may depend on them: here is garbage."""
    case = case()
    text, loops = re.subn(
        r"(for \(at_word .*\] = )(\d+)'[dh]0+;",
        lambda loop: f"{loop[1]}{{{-(-int(loop[2]) // 32)}{{$random}}}};",
        written(case.params),
    )
    assert loops > 10
    (tmp_path / "accelerator.v").write_text(text)
    check(Icarus(tmp_path, "2012"), case)


@needs(Icarus.missing())
def test_a_machine_that_waits_for_ever_is_found(tmp_path):
    """The bench can fail: here the register behind the interrupt has another clock."""
    case, engine = array_only(), Icarus(tmp_path, "2012")
    text = written(case.params)
    register = "\n    ended <="  # by its name in the control, where a run's budget sees it, too
    broken = text.replace(f"always @(posedge clk){register}", f"always @(posedge rst){register}")
    assert broken != text
    (tmp_path / "accelerator.v").write_text(broken)
    engine.build(case.params)
    program = compile_graph(case.graph, case.params, 1)
    (step,) = program.steps
    with pytest.raises(SimulationError, match="no end within 3000 cycles, in step 5"):
        engine.run(program.image.copy(), step.start, step.commands, Memory(), 3000)
