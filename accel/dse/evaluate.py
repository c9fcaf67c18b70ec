"""One point of a sweep: compile the network for it and count the cycles."""

import dataclasses
import time

from accel.compiler import compile_graph
from accel.dse.engines import ENGINES, ON_DATA
from accel.dse.point import Point, buffer_bytes
from accel.graph.ir import Graph
from accel.params import Params
from accel.program import Program

#: The latest program of this process, behind what it was compiled from.
_latest: list[tuple[Graph, tuple, Program]] = []


def _compile(graph: Graph, params: Params, batch: int, data: bool) -> Program:
    """Compile a network, or take the latest program: points of other memories share it."""
    wanted = params, batch, data
    for known, what, program in _latest[:1]:
        if known is graph and what == wanted:
            return program
    program = compile_graph(graph, params, batch, data=data)
    _latest[:] = [(graph, wanted, program)]
    return program


def evaluate(graph: Graph, engine: str, point: Point) -> dict:
    """The result row of a point (see accel.dse.rows); what goes wrong is in it, too.

    Runs in worker processes, on other machines perhaps: only the arguments and the row travel.
    """
    began = time.perf_counter()
    row = {**dataclasses.asdict(point), "status": "ok", "error": ""}
    try:
        row |= _figures(graph, engine, point)
    except Exception as error:  # whatever it is, the other points go on
        row |= failure(f"{type(error).__name__}: {error}")
    return {**row, "seconds": time.perf_counter() - began}


def failure(error: str) -> dict:
    """The part of a row that says that its point failed; one line."""
    return {"status": "failed", "error": " ".join(error.split())}


def _figures(graph: Graph, engine: str, point: Point) -> dict:
    params = point.params()
    program = _compile(graph, params, point.batch, data=engine in ON_DATA)
    counts = ENGINES[engine](program, graph, point.memory())
    macs = sum(layer.macs for layer in program.layers)
    pes = params.rows * params.cols
    return {
        "pes": pes,
        "buffer_bytes": buffer_bytes(params),
        "macs": macs,
        "utilisation": macs / (pes * counts["cycles"]),
        **counts,
        "bytes_read": sum(layer.bytes_read for layer in program.layers),
        "bytes_written": sum(layer.bytes_written for layer in program.layers),
    }
