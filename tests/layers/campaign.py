"""Random layers in chunks, each on one machine; what fails is made smaller."""

import collections
import dataclasses
import json
import pathlib
import time

from accel.compiler import CompileError, compile_graph
from accel.graph.ir import Graph
from accel.params import Params
from tests.layers.draws import Draws, Endless, shrunk
from tests.support.machines import ALL
from tests.support.random_layers import describe, needs_window, random_graph
from tests.support.witnesses import Held, hold

#: Layers of a chunk: what is lost where a campaign is interrupted, some 15 seconds.
CHUNK = 250


@dataclasses.dataclass
class Chunk:
    """What became of ``layers`` layers; ``failed`` tells the smallest that does, and how.

    ``refused``: that the machine has no room for.  ``compared``: bytes; ``counters``: compared;
    ``cycles``: of both runs of each.  ``operators``: how many nodes of each kind.
    """

    seed: int
    number: int
    commit: str = ""
    layers: int = 0
    refused: int = 0
    compared: int = 0
    counters: int = 0
    cycles: int = 0
    seconds: float = 0.0
    operators: dict[str, int] = dataclasses.field(default_factory=dict)
    failed: str = ""

    @property
    def machine(self) -> Params:
        """The machine of a chunk: they take turns."""
        return ALL[self.number % len(ALL)]

    def count(self, graph: Graph, held: Held | None) -> None:
        """One layer more."""
        self.layers += 1
        self.operators = dict(
            collections.Counter(self.operators) + collections.Counter(n.op for n in graph.nodes)
        )
        if held is None:
            self.refused += 1
            return
        self.compared += held.compared
        self.counters += held.counters
        self.cycles += held.cycles


def draw_layer(rng, params: Params) -> tuple[Graph, int]:
    """A layer that the machine has a unit for, and a batch."""
    graph = random_graph(rng)
    while not params.window_taps and needs_window(graph):
        graph = random_graph(rng)
    return graph, int(rng.integers(1, 4))


def check(rng: Draws, params: Params, engine: str) -> tuple[Graph, Held | None, str]:
    """A layer, what was compared (None where the machine has no room for it), and what is wrong."""
    graph, batch = draw_layer(rng, params)
    try:
        program = compile_graph(graph, params, batch)
    except CompileError:  # said, not computed wrongly
        return graph, None, ""
    try:
        held = hold(rng, graph, program, batch, engine)
    except Exception as error:
        return graph, None, f"{describe(graph)}; batch {batch}: {error!r}"
    text = f"{describe(graph)}; batch {batch}: {'; '.join(held.wrong)}" if held.wrong else ""
    return graph, held, text


def smallest(seed: list[int], made: list[int], params: Params, engine: str) -> str:
    """The smallest layer that fails, of one that does, and how."""
    texts = {}

    def fails(trial: list[int]) -> list[int] | None:
        rng = Draws(seed, trial)
        try:
            wrong = check(rng, params, engine)[2]
        except Endless:
            return None
        texts[tuple(rng.made)] = wrong
        return rng.made if wrong else None

    fails(made)
    return texts[tuple(shrunk(made, fails))]


def run_chunk(seed: int, number: int, layers: int = CHUNK, engine: str = "auto") -> Chunk:
    """Draw and check so many layers; with the first that fails the chunk ends."""
    chunk, began = Chunk(seed, number), time.perf_counter()
    for layer in range(layers):
        start = [seed, number, layer]
        rng = Draws(start)
        graph, held, wrong = check(rng, chunk.machine, engine)
        if wrong:
            print(f"chunk {number}, layer {layer}: {wrong}; being made smaller", flush=True)
            small = smallest(start, rng.made, chunk.machine, engine)
            chunk.failed = f"layer {layer}: {wrong}; made smaller: {small}"
            break
        chunk.count(graph, held)
    chunk.seconds = round(time.perf_counter() - began, 1)
    return chunk


class Journal:
    """Chunks that are done, a line each in a file, so that an interrupted campaign goes on."""

    def __init__(self, path: pathlib.Path):
        self._path, self.chunks = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                chunk = Chunk(**json.loads(line))
            except ValueError:  # the last line of a run that was killed
                continue
            self.chunks[chunk.seed, chunk.number] = chunk

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk."""
        self.chunks[chunk.seed, chunk.number] = chunk
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(chunk)) + "\n")
