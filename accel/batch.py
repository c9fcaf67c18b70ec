"""One batch of images through the machine and the host, and what of it differs from golden."""

import dataclasses
import time

import numpy as np

from accel import golden
from accel.checksum import checksum
from accel.graph.ir import Graph
from accel.isa import COMMAND_BYTES, RECORD, RECORD_BYTES, Error
from accel.program import Program, Step
from accel.registers import Reg
from accel.sim.engine import MachineError, Memory, Outcome

#: Cycles after which a run that has not ended is given up, per cycle that it needs at least.
_PATIENCE = 1000
#: The longest budget that the machine's register holds, and the least patience it should mean.
_MOST, _IMPATIENCE = (1 << 32) - 1, 10
#: Cycles within which the machine itself has ended a run after its budget.
_GRACE = 10_000


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
    """Run one batch of images [batch, height, width, channel] through the RTL.

    They are given by input tensor, or as one array if there is one input.

    Raises:
        SimulationError: the machine reported an error or did not end, or the simulator failed.
    """
    space = program.image.copy()
    if isinstance(images, np.ndarray):
        images = {graph.inputs[0].tensor: images}
    tensors = dict(images)  # some may be the host's alone
    for name in images.keys() & program.tensors.keys():
        program.tensors[name].view(space)[...] = images[name]
    nodes = {node.name: node for node in graph.nodes}
    outcomes, records, host_seconds = [], [], {}
    for step in program.steps:
        outcomes.append(_start(engine, program, step, space, memory) if step.commands else None)
        records.append([])
        for layer in step.layers:
            words = space[layer.mark_addr : layer.mark_addr + RECORD_BYTES].view("<u4")
            records[-1].append({name: int(words[number]) for name, number in RECORD.items()})
        tensors |= {name: place.view(space) for name, place in program.tensors.items()}
        for node in (nodes[name] for name in step.host):
            began = time.perf_counter()
            made = golden.made(graph, node, tensors)
            host_seconds[node.name] = time.perf_counter() - began
            for name, values in made.items():
                if name in program.tensors:
                    tensors[name][...] = values
                else:
                    tensors[name] = values
    tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    return Batch(program, tensors, records, outcomes, host_seconds)


def _start(engine, program: Program, step: Step, space: np.ndarray, memory: Memory) -> Outcome:
    """Run the machine's part of a step on the memory ``space``."""
    floor = _least_cycles(program, step) + 10_000
    patience = _PATIENCE * floor
    budget = min(patience, _MOST) if _IMPATIENCE * floor <= _MOST else 0
    registers = {Reg.BUDGET: budget}
    if program.params.checksum:
        registers[Reg.CHECKSUM] = checksum(
            program.params, program.image, step.start, step.commands
        )
    outcome = engine.run(space, step.start, step.commands, memory, patience + _GRACE, registers)
    if outcome.error is not Error.NONE:
        where = ""
        if outcome.error in (Error.ILLEGAL_OPCODE, Error.ILLEGAL_FIELD):
            where = f" at command {outcome.where}"
        raise MachineError(
            f"the machine stopped with {outcome.error.name}{where} "
            f"after {outcome.counters['cycles']} cycles"
        )
    return outcome


def _least_cycles(program: Program, step: Step) -> int:
    """What the array, and the reading of the commands, take at least.

    On a machine with next to no buffers, a layer of few products can be many commands.
    """
    params, macs = program.params, sum(layer.macs for layer in step.layers)
    reading = step.commands * COMMAND_BYTES // params.bus_bytes
    return macs // (params.rows * params.cols) + reading


def differing(
    batches: list[Batch], graph: Graph, expected: dict[str, np.ndarray]
) -> list[dict[str, int]]:
    """For each batch, how many bytes of each layer's tensor differ from golden's, if it is stored.

    Programs of different batch sizes fuse layers differently, so each batch is compared by the
    tensors that it has itself.  A tensor that the compiler added is compared with the one that it
    is a copy of.

    Args:
        batches: one behind the other.
        graph: the network.
        expected: the golden model's tensors of all images.
    """
    found, first = [], 0
    for batch in batches:
        images = slice(first, first + batch.program.batch)
        first = images.stop
        counts = {}
        for name in _computed(batch, graph):
            values = batch.tensors[name]
            wanted = expected[batch.program.copies.get(name, name)][images]
            same = values.reshape(wanted.shape) == wanted
            if wanted.dtype.kind == "f":  # the host's: no number is the same as no number
                same |= np.isnan(wanted) & np.isnan(values.reshape(wanted.shape))
            counts[name] = int(np.count_nonzero(~same))
        found.append(counts)
    return found


def _computed(batch: Batch, graph: Graph) -> list[str]:
    """The tensors that a batch's layers and its steps on the host end in."""
    on_host = [name for node in graph.nodes if node.name in batch.host_seconds
               for name in node.outputs]
    return [*(layer.output for layer in batch.program.layers if not layer.near), *on_host]
