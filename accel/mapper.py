"""Search a mapping with the cycle model: which of its tilings each layer should get.

The compiler ranks a layer's tilings by rough costs, which see that layer alone.  What a tiling
really costs depends on the layers around it, whose loads, weights and stores share the bus.  So the
search compiles the whole network with one layer's tiling replaced, asks the cycle model, which is
exact, and keeps what is faster: coordinate descent, until no single replacement is.

A mapping is found for one batch size.  It fits others, too, for which it may not be the best.
"""

import dataclasses
import itertools
from collections.abc import Callable

from accel.compiler import CompileError, Mapping, compile_graph
from accel.cyclemodel import predict, stage
from accel.graph.ir import Graph
from accel.graph.ports import InputError
from accel.params import Params
from accel.sim.engine import Memory

#: Tilings of a layer's shape that are tried, the compiler's own choice among them.
TILINGS = 7


@dataclasses.dataclass(frozen=True)
class Found:
    """A search's result.

    Attributes:
        mapping: for :func:`accel.compiler.compile_graph`.
        programs: how many were compiled and predicted.
        first, best: cycles with the compiler's own choice, and with ``mapping``.
        done: False if the search ran out of programs before it ran out of ideas.
    """

    mapping: Mapping
    programs: int
    first: int
    best: int
    done: bool

    def report(self) -> dict:
        """What a run's report says of it."""
        return {
            "programs": self.programs, "done": self.done, "first_cycles": self.first,
            "cycles": self.best,
        }  # fmt: skip


def _cycles(graph: Graph, params: Params, batch: int, memory: Memory, mapping: Mapping) -> int:
    """What the machine counts for one batch, over all of the program's steps."""
    program = compile_graph(graph, params, batch, data=False, mapping=mapping)
    total = 0
    for step in program.steps:
        if step.commands:
            counters, _ = predict(
                params, program.image, step.start, step.commands, **memory.timing,
            )  # fmt: skip
            total += counters["cycles"]
    return total


def search(
    graph: Graph,
    params: Params,
    batch: int,
    memory: Memory,
    programs: int,
    progress: Callable[[str, float], None] = lambda stage, share: None,
) -> Found:
    """The fastest mapping found with up to ``programs`` programs; the same one every time.

    Raises:
        CompileError: the network does not fit the machine.
    """
    mapping = Mapping(TILINGS)
    progress(stage(), 0.0)
    first = best = _cycles(graph, params, batch, memory, mapping)
    moves = [
        (key, index)
        for index in range(TILINGS)
        for key, options in mapping.options.items()
        if index < len(options)
    ]
    tried = 1
    # How many moves in a row found nothing better: all of them, and the search is done.
    vain = 0
    for key, index in itertools.cycle(moves):
        if vain == len(moves) or tried >= programs:
            break
        vain += 1
        before = mapping.chosen.get(key, 0)
        if index == before:
            continue
        progress("searching a mapping", tried / programs)
        mapping.chosen[key] = index
        tried += 1
        try:
            now = _cycles(graph, params, batch, memory, mapping)
        except CompileError:  # its weights or commands do not fit the address space
            now = best
        if now < best:
            best, vain = now, 0
        else:
            mapping.chosen[key] = before
    return Found(mapping, tried, first, best, vain == len(moves))


def choose(
    graph: Graph,
    params: Params,
    batch: int,
    memory: Memory,
    programs: int,
    progress: Callable[[str, float], None],
    fusion: bool = True,
) -> tuple[Mapping, dict]:
    """A mapping, and what a report says of it: searched, or with 0 programs the compiler's own.

    Without ``fusion`` it is the compiler's own, and every layer's result goes to memory.

    Raises:
        InputError: a search without fusion.
        CompileError: the network does not fit the machine.
    """
    if programs and not fusion:
        raise InputError(f"search must be 0 without fusion, not {programs}")
    if not programs:
        return Mapping(near=fusion), {}
    found = search(graph, params, batch, memory, programs, progress)
    return found.mapping, {"search": found.report()}
