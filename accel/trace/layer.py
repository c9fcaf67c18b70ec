"""Find a layer's cycles, and write their waveform."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Sequence

from accel import floats, machines
from accel.batch import Batch, run_batch
from accel.compiler import compile_graph
from accel.errors import why
from accel.graph import ports
from accel.graph.ir import Graph
from accel.graph.ports import InputError
from accel.opening import Model, own_images
from accel.params import Params
from accel.program import Layer, Program
from accel.sim import get_engine
from accel.sim.pysim import PysimEngine
from accel.sim.traced import PERIOD, flavour
from accel.sim.verilator import VerilatorEngine
from accel.trace import apart, cut, save
from accel.whole import workspace

#: Cycles of the simulation before the machine counts its first one: a counter of n is there from
#: cycle START + n on.  (The host writes five registers, and the core is reset.)
START = 81
#: Cycles that the host writes another register in: a machine with checksums has one more.
WRITE = 3
#: Most cycles that are written if nobody says which, and how many behind the layer's end.
MOST, BEHIND = 200_000, 64


@dataclasses.dataclass(frozen=True)
class Waveform:
    """What was written.

    Attributes:
        path: the waveform, .fst or .vcd.
        saves: files that show it in GTKWave and Surfer.
        layer: the layer, as the program has it.
        first, last: the cycles that were written, by the machine's counter, ``last`` not among
            them; cycle n begins START + n periods of PERIOD nanoseconds after 0.
        begins, ends: the layer's own: the completion before it, and its own.
        counters: the machine's counters at the layer's end, by the names of accel.isa.RECORD.
    """

    path: pathlib.Path
    saves: tuple[pathlib.Path, ...]
    layer: Layer
    first: int
    last: int
    begins: int
    ends: int
    counters: dict[str, int]


def trace(
    model: Model,
    layer: str,
    folder: str | os.PathLike,
    *,
    machine: machines.Source | None = None,
    array: Sequence[int] | None = None,
    engine: str = "auto",
    cycles: tuple[int, int] | None = None,
    inputs=None,
    form: str = "fst",
    progress: Callable[[str, float], None] | None = None,
) -> Waveform:
    """Simulate one image, and write the waveform of a layer into ``folder``.

    Args:
        model, machine, array, inputs: as in accel.run; of several images the first is used.
        layer: the name of a layer or of a node in it, or its number from 0.
        folder: is made if need be.
        engine: "verilator", "pysim", or "auto" for the first that is there.
        cycles: first and last + 1 to write, by the machine's counter; by default the layer's own,
            from the completion before it, but at most MOST.
        form: "fst" or "vcd"; pysim always writes VCD.
        progress: called with a stage and a share from 0 to 1.

    Raises:
        InputError: naming layer or cycles, the rule and the value.
        accel.sim.engine.SimulationError: the simulator could not be built or failed.
    """
    tell = progress or (lambda stage, share: None)
    if form not in ("fst", "vcd"):
        raise InputError(f"form must be fst or vcd, not {form!r}")
    meant = machines.chosen(machine, array)
    graph, _ = floats.opened(model, inputs, random=True)
    program = compile_graph(graph, meant.params, 1)
    step, found = _find(program, layer)
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot hold a waveform: {why(error, folder)}") from error
    images = _image(model, graph, inputs)
    simulator = get_engine(engine)
    if isinstance(simulator, VerilatorEngine):
        simulator = VerilatorEngine(flavour=flavour(form))
    else:
        form = "vcd"
    simulator.build(meant.params, tell)
    tell("simulating", 0.3)
    batch = run_batch(simulator, program, graph, images, meant.memory)
    begins, ends, counters = _when(batch, step, found)
    first, last = _window(cycles, begins, ends, found.name)
    path = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', found.name)}.{form}"
    tell("writing the waveform", 0.6)
    start = START + WRITE * meant.params.checksum
    title = f"{graph.name}: {found.name}, cycles {first} to {last} of {meant.title}"
    period = PERIOD if isinstance(simulator, VerilatorEngine) else cut.PERIOD
    marks = {"begins": (begins + start) * period, "ends": (ends + start) * period}
    try:
        with workspace(folder, path.name) as work:
            made = work / path.name
            window = first + start, last + start
            writing = _Writing(simulator, meant.params, _start(program, step), made, *window)
            run_batch(writing, program, graph, images, meant.memory)
            saves = save.write(made, path, meant.params, title, marks)
            for file in (made, *saves):
                file.replace(folder / file.name)
    except OSError as error:
        raise InputError(f"{folder}: cannot hold a waveform: {why(error, folder)}") from error
    saves = tuple(folder / file.name for file in saves)
    return Waveform(path, saves, found, first, last, begins, ends, counters)


def _find(program: Program, layer: str) -> tuple[int, Layer]:
    """The step and the layer that is meant.

    Raises:
        InputError: there is none; names those that there are.
    """
    if layer.isdecimal() and int(layer) < len(program.layers):
        layer = program.layers[int(layer)].name
    for number, step in enumerate(program.steps):
        for one in step.layers:
            if layer in (one.name, one.output, *one.nodes):
                return number, one
    names = ", ".join(one.name for one in program.layers)
    raise InputError(f"layer must be one of {names}, or its number from 0, not {layer!r}")


def _image(model: Model, graph: Graph, inputs) -> dict:
    """The first image, by input tensor."""
    if inputs is None:
        inputs = own_images(model, graph, 1)[0]
    return {name: values[:1] for name, values in ports.read_inputs(graph, inputs).items()}


def _when(batch: Batch, step: int, layer: Layer) -> tuple[int, int, dict[str, int]]:
    """The cycles of the completion before a layer and of its own, and the counters then."""
    records = dict(zip(batch.program.steps[step].layers, batch.records[step], strict=True))
    ends = records[layer]["cycles"]
    before = [one["cycles"] for one in records.values() if one["cycles"] < ends]
    return max(before, default=0), ends, records[layer]


def _window(cycles, begins: int, ends: int, name: str) -> tuple[int, int]:
    if cycles is None:
        return begins, min(ends + BEHIND, begins + MOST)
    first, last = cycles
    if not 0 <= first < last:
        raise InputError(f"cycles must be A:B with 0 <= A < B, not {first}:{last}; layer {name} "
                         f"has {begins}:{ends}")  # fmt: skip
    return first, last


def _start(program: Program, step: int) -> int:
    """Which start of the machine a step is."""
    return sum(bool(one.commands) for one in program.steps[:step])


class _Writing:
    """An engine that writes the waveform of one of its runs.

    Parameters:
        engine: that runs, built for ``params``.
        number: of the run, from 0.
        path: of the waveform.
        first, last: its cycles, ``last`` not among them.
    """

    def __init__(
        self, engine, params: Params, number: int, path: pathlib.Path, first: int, last: int
    ):
        self._engine, self._params, self._left = engine, params, number
        self._path, self._window = path, (first, last)

    def run(self, *arguments, **options):
        """Run a program (see accel.sim.engine.Engine)."""
        self._left -= 1
        if self._left != -1:
            return self._engine.run(*arguments, **options)
        if isinstance(self._engine, PysimEngine):
            return cut.run(self._engine, arguments, self._path, *self._window, **options)
        return apart.run(self._engine.file, self._params, (self._path, *self._window), arguments,
                         options)  # fmt: skip
