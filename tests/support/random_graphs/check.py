"""A random network through both witnesses and the oracle, and the cycle model."""

import dataclasses
import pathlib

import numpy as np

from accel import frontend, golden, litert
from accel.batch import Batch, differing, run_batch
from accel.compiler import compile_graph
from accel.cyclemodel import predict
from accel.graph import ports
from accel.graph.ir import External, Graph
from accel.params import Params
from accel.program import Program
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support.counted import random_memory
from tests.support.random_graphs import onnx_draw, tflite_draw
from tests.support.random_graphs.case import Case
from tests.support.witnesses import random_stalls, steady

DRAW = {"onnx": onnx_draw.draw, "tflite": tflite_draw.draw}


@dataclasses.dataclass
class Found:
    """What became of a network.

    Attributes:
        wrong: a line for each fault.
        near: by what made them, bytes that are a step off and all bytes of near values.
        exact: how many elements were held against the oracle, or against the golden model.
        host: what of it runs on the host.
        nodes: number of nodes on the machine.
        cycles: of the simulated machine.
    """

    wrong: list[str] = dataclasses.field(default_factory=list)
    near: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    exact: int = 0
    host: list[str] = dataclasses.field(default_factory=list)
    nodes: int = 0
    cycles: int = 0


def opened(case: Case, folder: pathlib.Path) -> tuple[Graph, dict[str, np.ndarray]]:
    """The imported network and its inputs' images."""
    path = folder / f"model.{case.format}"
    path.write_bytes(case.content)
    graph = frontend.load(path)
    names = {port.name for port in graph.inputs}
    given = {name: values for name, values in case.given.items() if name in names}
    if case.format == "tflite":
        given = [*given.values()]
    return graph, ports.read_inputs(graph, given)


def against_oracle(case: Case, folder: pathlib.Path) -> Found:
    """The golden model against the runtime of the file's format."""
    graph, images = opened(case, folder)
    parts = [node for node in graph.nodes if isinstance(node, External)]
    found = Found(host=[part.op for part in parts], nodes=len(graph.nodes) - len(parts))
    made = ports.outputs(graph, golden.run(graph, images))
    ours = dict(zip((port.name for port in graph.outputs), made, strict=True))
    theirs = litert_answers(case, ours) if case.format == "tflite" else onnx_draw.expected(
        case, ours)
    for name, wanted in theirs.items():
        actual, near = ours[name], case.near.get(name)
        if (actual.shape, actual.dtype) != (wanted.shape, wanted.dtype):
            found.wrong.append(f"{name}: {actual.dtype} {actual.shape}, the oracle has "
                               f"{wanted.dtype} {wanted.shape}")
            continue
        off, most = _apart(actual, wanted)
        if near:
            totals = found.near.setdefault(near, [0, 0])
            totals[0], totals[1] = totals[0] + off, totals[1] + actual.size
        else:
            found.exact += actual.size
        if most > (1 if near else 0):
            kind = f" ({near})" if near else ""
            found.wrong.append(f"{name}{kind}: {off} of {actual.size} differ, by up to {most}")
    return found


def litert_answers(case: Case, ours) -> dict[str, np.ndarray]:
    """LiteRT's outputs, image by image, under the names of ours."""
    interpreter = litert.Interpreter(case.content)
    count = len(next(iter(case.given.values())))
    found = [interpreter.run([values[n : n + 1] for values in case.given.values()])
             for n in range(count)]
    return dict(zip(ours, map(np.concatenate, zip(*found, strict=True)), strict=True))


def _apart(actual, wanted) -> tuple[int, float]:
    """How many elements differ, and by how much at most."""
    if wanted.dtype.kind == "f":  # what the host computed, or the bytes times a scale
        good = np.isclose(actual, wanted, rtol=1e-6, atol=1e-30, equal_nan=True)
        return int((~good).sum()), float(np.abs(actual - wanted)[~good].max(initial=0))
    off = np.abs(actual.astype(np.int64) - wanted.astype(np.int64))
    return int((off > 0).sum()), int(off.max(initial=0))


def on_the_rtl(
    case: Case, params: Params, rng: np.random.Generator, folder: pathlib.Path,
    engine: str = "auto",
) -> Found:
    """The machine against the golden model, byte by byte, and the cycle model, by counters.

    It runs twice: under random stalls, which may change no counter but those of time; and on a
    random memory, where every counter is predicted.
    """
    graph, images = opened(case, folder)
    batch = len(next(iter(images.values())))
    program = compile_graph(graph, params, batch)
    simulator, expected, found = get_engine(engine), golden.run(graph, images), Found()
    simulator.build(params)
    for memory in (random_stalls(rng), random_memory(rng, params.bus_bytes)):
        ran = run_batch(simulator, program, graph, images, memory)
        [counts] = differing([ran], graph, expected)
        found.exact += sum(ran.tensors[name].size for name in counts)
        found.wrong += [f"{name}: {count} bytes differ" for name, count in counts.items() if count]
        found.cycles += sum(one.counters["cycles"] for one in ran.outcomes if one)
        found.wrong += steady(program, ran) if memory.stall_percent else _counted(
            program, ran, memory)
    return found


def _counted(program: Program, ran: Batch, memory: Memory) -> list[str]:
    """A line for each counter that is not as the cycle model predicts it."""
    wrong = []
    for step, outcome, records in zip(program.steps, ran.outcomes, ran.records, strict=True):
        if outcome is None:
            continue
        total, marks = predict(program.params, program.image, step.start, step.commands,
                               **memory.timing)
        pairs = [("total", outcome.counters, total)] + [
            (layer.name, record, marks[layer.mark_addr])
            for layer, record in zip(step.layers, records, strict=True)
        ]  # fmt: skip
        wrong += [
            f"{name}: {counter} is {value}, predicted {predicted[counter]}"
            for name, counted, predicted in pairs for counter, value in counted.items()
            if predicted[counter] != value
        ]
    return wrong
