"""Run a network on the simulated machine and hold every layer against the golden model.

This is the one place where the two witnesses meet: the compiler and an engine on one side,
accel.golden on the other, compared byte for byte.
"""

import concurrent.futures
import dataclasses
import os
import time
import typing
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from accel import floats, golden, machines, mapper, recording
from accel.batch import Batch, differing, run_batch
from accel.compiler import compile_graph
from accel.errors import AccelError
from accel.graph import ports
from accel.graph.ir import Graph
from accel.labels import accuracy, labels_of
from accel.opening import Model, file_hash, origin, own_images
from accel.params import Params
from accel.report import summary
from accel.result import Inside, Result
from accel.sim import get_engine
from accel.sim.engine import Memory, SimulationError

Progress = Callable[[str, float], None]
#: Images: of a network's one input, of its inputs in order, or by input name.
Inputs = np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]


class Unfinished(AccelError, RuntimeError):
    """Something behind the simulation failed: an error of this program, not of the machine.

    ``result`` has what is there nevertheless: the outputs, and the report without what failed; in
    the report, ``failed`` says what that is.
    """

    def __init__(self, message: str, result: Result):
        super().__init__(message)
        self.result = result


def golden_run(
    model: Model,
    inputs: Inputs | None = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    exact: bool = False,
) -> list[np.ndarray]:
    """Compute a network with the golden model alone, without RTL.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph; a float file is
            quantised on the way, calibrated on ``inputs`` (accel.floats).
        inputs: images along the first axis in the model's own layout and dtype; a built-in
            network has its own, or takes a random one.
        shapes, exact: as in :func:`run`.

    Returns:
        One array per output, in the model's own order, layout and dtype.

    Raises:
        InputError: naming the input, the rule and the value.
        ModelError: naming file, node and rule.

    >>> import accel
    >>> outputs = accel.golden_run("notes")
    >>> [(one.shape, str(one.dtype)) for one in outputs]
    [((1, 1), 'float32')]
    """
    graph, _ = floats.opened(model, inputs, shapes=shapes, exact=exact)
    images = own_images(model, graph, 1)[0] if inputs is None else inputs
    wanted = [port.tensor for port in graph.outputs]
    tensors = golden.run(graph, _given(graph, images), keep=wanted)
    return ports.outputs(graph, tensors)


def _given(graph: Graph, inputs) -> dict[str, np.ndarray]:
    """int8 images by input tensor; of a network with one input its images alone may be given."""
    alone = len({port.name for port in graph.inputs}) == 1 and not isinstance(inputs, Mapping)
    return ports.read_inputs(graph, [inputs] if alone else inputs)


def _count(pixels: dict[str, np.ndarray]) -> int:
    """Number of images."""
    return len(next(iter(pixels.values())))


def _sliced(pixels: dict[str, np.ndarray], start: int, stop: int | None) -> dict[str, np.ndarray]:
    """Some of the images, of every input tensor."""
    return {name: values[start:stop] for name, values in pixels.items()}


@dataclasses.dataclass(frozen=True)
class _Setting:
    """What runs where: the same for all batches."""

    graph: Graph
    machine: Params
    simulator: object
    memory: Memory
    notes: dict
    engines: bool
    tell: Progress


def _simulate(
    setting: _Setting, mapping, pixels: dict[str, np.ndarray], batch: int
) -> tuple[list[Batch], float, Exception | None, concurrent.futures.Future]:
    """Run all images, ``batch`` at a time.

    The golden model computes beside the build, which waits for other programs most of the time,
    and not beside the simulation, whose speed is reported.

    Returns:
        The batches; the seconds of building the simulator; what ended the run too early; the
        golden model's tensors.
    """
    count = _count(pixels)
    parts = [_sliced(pixels, start, start + batch) for start in range(0, count, batch)]
    programs = {
        size: compile_graph(setting.graph, setting.machine, size, mapping=mapping)
        for size in set(map(_count, parts))
    }
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        computing = beside.submit(golden.run, setting.graph, pixels)
        began = time.perf_counter()
        setting.simulator.build(setting.machine, setting.tell)
        build_seconds = time.perf_counter() - began
        setting.tell("golden model", 0.0)
    batches = []
    for number, part in enumerate(parts):
        setting.tell("simulating", number / len(parts))
        program = programs[_count(part)]
        try:
            done = run_batch(setting.simulator, program, setting.graph, part, setting.memory)
        except Exception as error:  # of the machine, or of a step on the host
            return batches, build_seconds, error, computing
        batches.append(done)
    return batches, build_seconds, None, computing


def _conclude(
    setting: _Setting, batches: list[Batch], build_seconds: float,
    computing: concurrent.futures.Future, labels,
) -> tuple[Result, dict[str, Exception]]:
    """The result of all batches, and what of it failed: nothing, if this program has no error.

    A simulation can take hours; whatever goes wrong behind it, the rest is kept.
    """
    graph, failed = setting.graph, {}

    def attempt(what: str, make: Callable):
        try:
            return make()
        except Exception as error:  # whatever it is, the others go on
            failed[what] = error
            return None

    stored = {
        port.tensor: np.concatenate([batch.tensors[port.tensor] for batch in batches])
        for port in graph.outputs
    }
    outputs = attempt("outputs", lambda: ports.outputs(graph, stored)) or []
    done = sum(one.program.batch for one in batches)
    right = attempt("golden model", lambda: _sliced(computing.result(), 0, done))
    differ = right and attempt("golden model", lambda: differing(batches, graph, right))
    where = graph, setting.machine, setting.simulator.name, setting.memory, batches
    report = attempt("report", lambda: summary.summarise(*where, differ, build_seconds))
    report = (report or summary.bare(*where)) | setting.notes
    if setting.engines:
        setting.tell("cycle model", 1.0)
        program = batches[0].program
        spans = attempt("cycle model", lambda: recording.engines(program, setting.memory))
        report["engines"] = spans or {}
    if setting.memory.dram and setting.memory.surprise is None:
        without = attempt("cycle model", lambda: recording.ideal(batches, setting.memory))
        report |= {"ideal": without} if without else {}
    if labels is not None and outputs:
        found = attempt("accuracy", lambda: accuracy(graph, outputs[0], labels))
        report |= {"accuracy": found} if found else {}
    return Result(outputs, report, Inside(graph, tuple(batches), right or {})), failed


def run(
    model: Model,
    inputs: Inputs | None = None,
    *,
    machine: machines.Source | None = None,
    array: Sequence[int] | None = None,
    engine: str = "auto",
    batch: int = 1,
    limit: int | None = None,
    labels: Sequence[float] | np.ndarray | None = None,
    params: Params | None = None,
    memory: Memory | None = None,
    search: int = 0,
    fusion: bool = True,
    engines: bool = False,
    shapes: Mapping[str, Sequence[int]] | None = None,
    exact: bool = False,
    keep: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Simulate a network on the machine's RTL and compare every layer with the golden model.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph; a float file is
            quantised on the way, calibrated on ``inputs``, and ``report["quantised"]`` says how.
        inputs: images along the first axis in the model's own layout and dtype; a built-in
            network has its own, or takes ``limit`` (else ``batch``) random ones.
        machine: a named machine ("small", "default", "large"), a machine's .toml file, or one
            from accel.machines; by default "default", whose array is 16 x 16.
        array: rows and columns of the MAC array, instead of the machine's own (ignored when
            ``params`` is given).
        engine: "auto", "verilator" or "pysim".
        batch: images the machine computes together; a last, smaller batch takes the rest.
        limit: use only the first images.
        labels: the right class of each of ``inputs``, to report accuracy; of a network whose
            answer is one float, numbers that mean yes from one half on.
        params: the whole hardware, instead of ``machine``.
        memory: the memory behind the machine, instead of the machine's own; by default 32 cycles
            latency at full bus width.
        search: how many programs accel.mapper may try to find faster tilings for a batch;
            with 0 the compiler chooses.
        fusion: whether results may stay on the chip for the next layer; without it, every layer's
            goes to memory, where it is compared by itself.
        engines: whether the report tells what each engine did when, by the cycle model.
        shapes: of inputs by name, batch first, where a float file leaves dimensions open.
        exact: as accel.open_network has it.
        keep: the folder where what a float file was quantised to is kept.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        A Result; ``report["total"]["mismatches"]`` is 0 when every byte agrees.

    Raises:
        InputError: naming the input, the rule and the value.
        ParamError, ModelError, CompileError: naming the parameter, or the file, node and rule.
        SimulationError: the machine (MachineError) or the simulator failed.  The batches before it
            are in its ``result``.
        Unfinished: something behind the simulation failed; ``result`` has all the rest.

    >>> import accel
    >>> result = accel.run("notes", limit=1, array=(4, 4), engine="pysim")
    >>> result.report["total"]["mismatches"], result.report["machine"]["name"]
    (0, 'default')
    """
    tell = progress or (lambda stage, share: None)
    _check_counts(batch, search, limit)
    meant = machines.chosen(machine, array, params, memory)
    hardware, behaviour = meant.params, meant.memory
    graph, quantised = floats.opened(model, inputs, shapes=shapes, keep=keep, exact=exact)
    notes = {"network_sha256": file_hash(model), "machine": machines.report(meant)}
    pixels, labels, where = _images(model, graph, inputs, labels, limit, batch)
    notes |= origin(model) | quantised | where

    mapping, found = mapper.choose(
        graph, hardware, min(batch, _count(pixels)), behaviour, search, tell, fusion
    )
    simulator = get_engine(engine)
    spans = engines and behaviour.surprise is None  # of others the cycle model knows nothing
    setting = _Setting(graph, hardware, simulator, behaviour, notes | found, spans, tell)
    return _run(setting, mapping, pixels, labels, batch)


def _check_counts(batch: int, search: int, limit: int | None) -> None:
    ports.check_count("batch", batch, 1)
    ports.check_count("search", search, 0)
    if limit is not None:
        ports.check_count("limit", limit, 1)


def _images(model: Model, graph: Graph, inputs, labels, limit: int | None, batch: int) -> tuple:
    """The images by input tensor and their labels, the first ``limit``, and where they are from."""
    where = {}
    if inputs is None:
        inputs, labels, where = own_images(model, graph, limit or batch)
    pixels = _given(graph, inputs)
    if labels is not None:
        labels = labels_of(graph, labels, _count(pixels))[:limit]
    return _sliced(pixels, 0, limit), labels, where


def _run(setting: _Setting, mapping, pixels: dict[str, np.ndarray], labels, batch: int) -> Result:
    """Simulate, compare and report; raise what failed with all that there is."""
    batches, build_seconds, error, computing = _simulate(setting, mapping, pixels, batch)
    if not batches:
        raise error
    if labels is not None:
        labels = labels[: sum(one.program.batch for one in batches)]
    result, failed = _conclude(setting, batches, build_seconds, computing, labels)
    if error is not None:
        failed = {"simulation": error, **failed}
    if failed:
        _raise(failed, result)
    return result


def _raise(failed: dict[str, Exception], result: Result) -> typing.NoReturn:
    """Say what failed in the report, and raise the first of it, with the result."""
    result.report["failed"] = {what: f"{type(why).__name__}: {why}" for what, why in failed.items()}
    what, why = next(iter(failed.items()))
    if what == "simulation" and isinstance(why, SimulationError):
        why.result = result
        raise why
    raise Unfinished(f"{what}: {result.report['failed'][what]}", result) from why
