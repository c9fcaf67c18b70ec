"""Run a network on the simulated machine and hold every layer against the golden model.

This is the one place where the two witnesses meet: the compiler and an engine on one side,
accel.golden on the other, compared byte for byte.
"""

import dataclasses
import math
import os
import pathlib
import time
from collections.abc import Callable, Sequence

import numpy as np

from accel import golden, mapper, models, recording, seeded
from accel.compiler import compile_graph
from accel.frontend import FORMATS, ModelError, load
from accel.graph import ports
from accel.graph.ir import Graph
from accel.graph.ports import InputError
from accel.isa import RECORD, RECORD_BYTES, Error
from accel.params import Params
from accel.program import Program, Step
from accel.report.summary import summarise
from accel.sim import get_engine
from accel.sim.engine import Memory, Outcome, SimulationError

#: Cycles after which a run that has not ended is given up, per cycle the array needs at least.
_PATIENCE = 1000
Progress = Callable[[str, float], None]


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run gives back.

    ``outputs``: one array per network output, in the model's own order, layout and dtype, with
    the images along the first axis.  ``report``: the dict that report.json holds.
    """

    outputs: list[np.ndarray]
    report: dict


def open_network(model: str | os.PathLike | Graph) -> Graph:
    """A graph from a built-in name, a path to a network file, or a graph.

    A built-in network without a trained file has seeded random weights.

    Raises:
        accel.frontend.ModelError: the file cannot be used; names file, node and rule.
    """
    if isinstance(model, Graph):
        return model
    if isinstance(model, str) and model in models.BUILTIN:
        return dataclasses.replace(load(models.BUILTIN[model].network), name=model)
    if is_seeded(model):
        return seeded.build(models.NETWORKS[model].build(), seeded.SEED)
    if pathlib.Path(model).suffix.lower() not in FORMATS:
        names = ", ".join({**models.BUILTIN, **models.NETWORKS})
        raise ModelError(
            f"network must be a built-in one ({names}) or a file ending in "
            f"{' or '.join(FORMATS)}, not {os.fspath(model)!r}"
        )
    return load(model)


def is_seeded(model: str | os.PathLike | Graph) -> bool:
    """Whether it is a built-in network with random weights instead of trained ones."""
    known = isinstance(model, str) and model not in models.BUILTIN
    return known and model in models.NETWORKS


def origin(model: str | os.PathLike | Graph) -> dict[str, str]:
    """What a report says of a network's weights, where they are none that anybody trained."""
    return {"weights": f"seeded random weights, seed {seeded.SEED}"} if is_seeded(model) else {}


def own_images(
    model, graph: Graph, count: int
) -> tuple[np.ndarray, np.ndarray | None, dict[str, str]]:
    """Images that a built-in network brings along, or ``count`` random ones.

    Returns:
        The images; labels, where known; what a report says of them.
    """
    if is_seeded(model):
        note = {"inputs": f"seeded random images, seed {seeded.SEED}"}
        return seeded.images(graph, count, seeded.SEED), None, note
    if not isinstance(model, str) or model not in models.BUILTIN:
        raise InputError(f"network {graph.name!r} has no inputs of its own: give some")
    with np.load(models.BUILTIN[model].inputs) as file:
        return file["images"], file["labels"] if "labels" in file.files else None, {}


def golden_run(model: str | os.PathLike | Graph, inputs=None) -> list[np.ndarray]:
    """Compute a network with the golden model alone, without RTL.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph.
        inputs: images along the first axis in the model's own layout and dtype; a built-in
            network has its own, or takes a random one.

    Returns:
        One array per output, in the model's own order, layout and dtype.

    Raises:
        InputError: naming the input, the rule and the value.
        accel.frontend.ModelError: naming file, node and rule.
    """
    graph = open_network(model)
    images = own_images(model, graph, 1)[0] if inputs is None else inputs
    wanted = [port.tensor for port in graph.outputs]
    tensors = golden.run(graph, ports.quantise(graph, images), keep=wanted)
    return ports.outputs(graph, tensors)


@dataclasses.dataclass(frozen=True)
class Batch:
    """One batch through the machine.

    ``tensors``: every stored tensor.  ``records``: the counters at each layer's end, by step.
    ``outcomes``: how each step ended; None where the machine had nothing to do.
    ``host_seconds``: what each host node took, by name.
    """

    program: Program
    tensors: dict[str, np.ndarray]
    records: list[list[dict[str, int]]]
    outcomes: list[Outcome | None]
    host_seconds: dict[str, float]


def run_batch(engine, program: Program, graph: Graph, images, memory: Memory) -> Batch:
    """Run one batch of int8 images [batch, height, width, channel] through the RTL.

    Raises:
        SimulationError: the machine reported an error, or did not end.
    """
    space = program.image.copy()
    program.tensors[graph.inputs[0].tensor].view(space)[...] = images
    nodes = {node.name: node for node in graph.nodes}
    tensors, outcomes, records, host_seconds = {}, [], [], {}
    for step in program.steps:
        outcomes.append(_start(engine, program, step, space, memory) if step.commands else None)
        records.append([])
        for layer in step.layers:
            words = space[layer.mark_addr : layer.mark_addr + RECORD_BYTES].view("<u4")
            records[-1].append({name: int(words[number]) for name, number in RECORD.items()})
        tensors |= {name: place.view(space) for name, place in program.tensors.items()}
        for node in (nodes[name] for name in step.host):
            began = time.perf_counter()
            result = golden.compute(graph, node, tensors)
            host_seconds[node.name] = time.perf_counter() - began
            if node.output in program.tensors:
                tensors[node.output][...] = result
            else:
                tensors[node.output] = result
    tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    return Batch(program, tensors, records, outcomes, host_seconds)


def _start(engine, program: Program, step: Step, space: np.ndarray, memory: Memory) -> Outcome:
    """Run the machine's part of a step on the memory ``space``."""
    macs = sum(layer.macs for layer in step.layers)
    floor = macs // (program.params.rows * program.params.cols) + 10_000
    outcome = engine.run(space, step.start, step.commands, memory, _PATIENCE * floor)
    if outcome.error is not Error.NONE:
        where = ""
        if outcome.error in (Error.ILLEGAL_OPCODE, Error.ILLEGAL_FIELD):
            where = f" at command {outcome.where}"
        raise SimulationError(
            f"the machine stopped with {outcome.error.name}{where} "
            f"after {outcome.counters['cycles']} cycles"
        )
    return outcome


def _witnesses(graph: Graph, pixels: np.ndarray, batches: list[Batch]) -> tuple[dict, dict]:
    """Every tensor of all images by name, from the machine and from the golden model."""
    got = {
        name: np.concatenate([batch.tensors[name] for batch in batches])
        for name in batches[0].tensors
    }
    expected = golden.run(graph, pixels)
    expected |= {copy: expected[name] for copy, name in batches[0].program.copies.items()}
    return got, expected


def _says_yes_or_no(graph: Graph) -> bool:
    """Whether a network's answer is one float: as in accel.train, yes from one half on."""
    port = graph.outputs[0]
    return port.dtype == "float32" and math.prod(port.shape) == 1


def _checked_labels(graph: Graph, labels, count: int) -> np.ndarray:
    """The labels of ``count`` images as an array [count]; how many classes there are is unknown.

    Raises:
        InputError: wrong shape, number or type.
    """
    labels = np.asarray(labels)
    kinds, one = ("iuf", "number") if _says_yes_or_no(graph) else ("iu", "integer")
    rule = f"labels must be one {one} per image"
    if labels.shape != (count,):
        raise InputError(f"{rule}: shape ({count},), not {labels.shape}")
    if labels.dtype.kind not in kinds:
        raise InputError(f"{rule}, not {labels.dtype}")
    return labels


def _accuracy(graph: Graph, scores: np.ndarray, labels: np.ndarray) -> dict[str, int]:
    """How many images have the right answer: the class of the highest score, or yes or no."""
    scores = scores.reshape(len(scores), -1)
    if _says_yes_or_no(graph):
        agree = (scores[:, 0] >= 0.5) == (labels >= 0.5)
    else:
        agree = scores.argmax(axis=1) == labels
    return {"correct": int(agree.sum()), "images": len(scores)}


def _simulate(
    simulator, machine: Params, graph: Graph, mapping, behaviour: Memory, pixels: np.ndarray,
    batch: int, tell: Progress,
) -> tuple[list[Batch], float]:
    """Run all images, ``batch`` at a time; return also the seconds of building the simulator."""
    parts = [pixels[start : start + batch] for start in range(0, len(pixels), batch)]
    programs = {
        size: compile_graph(graph, machine, size, mapping=mapping) for size in set(map(len, parts))
    }
    began = time.perf_counter()
    simulator.build(machine, tell)
    build_seconds = time.perf_counter() - began
    batches = []
    for number, part in enumerate(parts):
        tell("simulating", number / len(parts))
        batches.append(run_batch(simulator, programs[len(part)], graph, part, behaviour))
    return batches, build_seconds


def run(
    model: str | os.PathLike | Graph,
    inputs=None,
    *,
    array: Sequence[int] = (16, 16),
    engine: str = "auto",
    batch: int = 1,
    limit: int | None = None,
    labels=None,
    params: Params | None = None,
    memory: Memory | None = None,
    search: int = 0,
    engines: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Simulate a network on the machine's RTL and compare every layer with the golden model.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph.
        inputs: images along the first axis in the model's own layout and dtype; a built-in
            network has its own, or takes ``limit`` (else ``batch``) random ones.
        array: rows and columns of the MAC array (ignored when ``params`` is given).
        engine: "auto", "verilator" or "pysim".
        batch: images the machine computes together; a last, smaller batch takes the rest.
        limit: use only the first images.
        labels: the right class of each of ``inputs``, to report accuracy; of a network whose
            answer is one float, numbers that mean yes from one half on.
        params: the whole machine, for other buffers or bus widths.
        memory: the memory behind the machine; by default 32 cycles latency at full bus width.
        search: how many programs accel.mapper may try to find faster tilings for a batch;
            with 0 the compiler chooses.
        engines: whether the report tells what each engine did when in the first batch, as the
            cycle model knows it.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        A Result; ``report["total"]["mismatches"]`` is 0 when every byte agrees.

    Raises:
        InputError: naming the input, the rule and the value.
        accel.params.ParamError, accel.frontend.ModelError, accel.compiler.CompileError: naming
            the parameter, or the file, node and rule.
        accel.sim.engine.SimulationError: the machine or the simulator failed.
    """
    tell = progress or (lambda stage, share: None)
    for name, value, least in (("batch", batch, 1), ("limit", limit, 1), ("search", search, 0)):
        if value is not None and value < least:
            raise InputError(f"{name} must be at least {least}, not {value}")
    machine = params or Params(rows=array[0], cols=array[1])
    behaviour = memory or Memory()
    graph = open_network(model)
    notes = origin(model)
    if inputs is None:
        inputs, labels, where = own_images(model, graph, limit or batch)
        notes |= where
    pixels = ports.quantise(graph, inputs)
    if labels is not None:
        labels = _checked_labels(graph, labels, len(pixels))[:limit]
    pixels = pixels[:limit]

    mapping, found = mapper.choose(
        graph, machine, min(batch, len(pixels)), behaviour, search, tell
    )
    simulator = get_engine(engine)
    batches, build_seconds = _simulate(
        simulator, machine, graph, mapping, behaviour, pixels, batch, tell
    )
    tell("golden model", 1.0)
    got, expected = _witnesses(graph, pixels, batches)
    outputs = ports.outputs(graph, got)
    report = summarise(
        graph, machine, simulator.name, behaviour, batches, got, expected, build_seconds
    )
    report |= notes | found
    if engines:
        tell("cycle model", 1.0)
        report["engines"] = recording.engines(batches[0].program, behaviour)
    if labels is not None:
        report["accuracy"] = _accuracy(graph, outputs[0], labels)
    return Result(outputs, report)
