"""Random chains whose tensors may stay on the chip: bytes and counters on the RTL.

    python -m tests.support.chain_campaign --chains 2000 --seed 1
        [--report reports/chain_campaign.md]

Every chain runs twice, between both witnesses (tests/support/witnesses.py).  A run that does not
end is an error of the machine.  Machines take turns; what one has no room for, the last one takes.
A chain that fails is printed with the fewest of its layers that do.
"""

import argparse
import dataclasses
import pathlib
import time

import numpy as np

from accel.compiler import CompileError, compile_graph
from accel.graph.ir import Graph
from accel.params import Params
from tests.support.chain_page import page
from tests.support.machines import MACHINES
from tests.support.random_chains import first, random_chain
from tests.support.random_layers import describe
from tests.support.witnesses import hold

#: Those with a window unit; one whose buffers hold next to nothing; one that is wider than tall,
#: whose window unit cannot feed the array; and the roomiest.
CHAINED = (
    *(params for params in MACHINES[:3] if params.window_taps),
    Params(rows=4, cols=4, input_bytes=512, acc_rows=32, pool_entries=16, bus_bytes=8,
           window_taps=2, window_bytes=128, queue_depth=2),
    Params(rows=4, cols=8, input_bytes=8192, acc_rows=256, pool_entries=64, bus_bytes=8,
           window_taps=4, window_bytes=2048),
    MACHINES[3],
)  # fmt: skip


@dataclasses.dataclass
class Found:
    """What became of a chain: ``near`` of its tensors stay on the chip.

    ``roomy``: of the same array with large buffers.  ``refused``: by how many machines.
    """

    chain: str
    nodes: tuple = dataclasses.field(repr=False)
    params: Params
    batch: int
    near: int
    roomy: int
    refused: int
    cycles: int = 0
    compared: int = 0
    counters: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)


def draw_chain(seed: int, number: int, machines=CHAINED):
    """Chain ``number`` of ``seed``: the generator behind it, its machine, graph and batch."""
    rng = np.random.default_rng([seed, number, 15])
    graph = random_chain(rng)
    # Of a batch, pointwise layers make one tall image, whose windows would be other ones.
    batch = 1 if rng.random() < 0.7 else int(rng.integers(2, 4))
    return rng, machines[number % len(machines)], graph, batch


def compiled(graph: Graph, batch: int, params: Params, machines=CHAINED):
    """Its program on a machine, or on the last one; and how many have no room for it."""
    for refused, one in enumerate((params, machines[-1])):
        try:
            return compile_graph(graph, one, batch), refused
        except CompileError:  # said, not computed wrongly
            if one is machines[-1]:
                raise
    raise AssertionError(params)


def check_chain(seed: int, number: int, engine: str, machines=CHAINED, layers: int = 99) -> Found:
    """Run a chain, or so many of its layers: what is wrong with it, if something is."""
    rng, params, graph, batch = draw_chain(seed, number, machines)
    graph = first(graph, layers)
    program, refused = compiled(graph, batch, params, machines)
    params = program.params
    found = Found(
        describe(graph), graph.nodes, params, batch, near(program), _roomy(graph, batch, params),
        refused,
    )  # fmt: skip
    held = hold(rng, graph, program, batch, engine)
    found.cycles, found.compared, found.counters = held.cycles, held.compared, held.counters
    found.wrong = held.wrong
    return found


def near(program) -> int:
    """How many of a program's layers leave their results on the chip."""
    return sum(layer.near for layer in program.layers)


def _roomy(graph: Graph, batch: int, params: Params) -> int:
    """How many would on the same array with large buffers."""
    large = {name: getattr(CHAINED[-1], name) for name in ("input_bytes", "acc_rows",
                                                           "window_bytes")}  # fmt: skip
    return near(compile_graph(graph, dataclasses.replace(params, **large), batch))


def attempt(seed: int, number: int, engine: str, machines=CHAINED, layers: int = 99) -> Found:
    """Check a chain; an error is what is wrong with it."""
    try:
        return check_chain(seed, number, engine, machines, layers)
    except Exception as error:
        _, params, graph, batch = draw_chain(seed, number, machines)
        graph = first(graph, layers)
        return Found(describe(graph), graph.nodes, params, batch, 0, 0, 0, wrong=[repr(error)])


def fewest(seed: int, number: int, engine: str, machines=CHAINED) -> tuple[int, Found]:
    """The fewest layers with which a chain fails."""
    for layers in range(1, 99):
        found = attempt(seed, number, engine, machines, layers)
        if found.wrong or layers > len(found.nodes):
            return layers, found
    raise AssertionError(number)


def main() -> None:
    """Check chains, print each that fails, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    results, began = {}, time.perf_counter()
    for number in range(options.first, options.first + options.chains):
        results[number] = found = attempt(options.seed, number, options.engine)
        if found.wrong:
            layers, least = fewest(options.seed, number, options.engine)
            print(f"chain {number} of seed {options.seed}: {found.wrong[0]}; {found}\n"
                  f"its first {layers} layers: {least.wrong[:1]} {least.chain}", flush=True)
        if len(results) % 50 == 0:
            failed = sum(bool(one.wrong) for one in results.values())
            print(f"{len(results)} chains, {failed} failed, "
                  f"{time.perf_counter() - began:.0f} s", flush=True)
    if options.report:
        command = (f"python -m tests.support.chain_campaign --chains {options.chains} "
                   f"--seed {options.seed}")
        options.report.write_text(page(results, command, CHAINED), encoding="utf-8")
    raise SystemExit(any(found.wrong for found in results.values()))


if __name__ == "__main__":
    main()
