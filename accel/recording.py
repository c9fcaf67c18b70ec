"""What each engine of the machine did when, from the cycle model, for reports."""

import numpy as np

from accel.cyclemodel import predict, record
from accel.program import Program
from accel.report import bus, own
from accel.sim.engine import Memory

#: Spans are joined where less than this share of all cycles lies between them: what a picture or a
#: viewer shows stays the same, and a report of a large network small.
_SHARE = 1 / 4000


def engines(program: Program, memory: Memory) -> dict[str, list[list[int]]]:
    """By engine, the spans [begin, end] of cycles in which it had commands under way."""
    steps = []
    for step in program.steps:
        if step.commands:
            total, _, spans = record(
                program.params, program.image, step.start, step.commands, **memory.timing,
            )  # fmt: skip
            steps.append((total["cycles"], spans))
    return in_a_row(steps)


def ideal(batches: list, memory: Memory) -> dict[str, float]:
    """What ``batches`` (accel.batch.Batch) take with a memory as fast as a DRAM's data bus.

    Returns:
        ``ideal`` of a report.
    """
    params = batches[0].program.params
    other = bus.without_dram(memory, params.bus_bytes)
    taken: dict[int, int] = {}
    for program in {id(batch.program): batch.program for batch in batches}.values():
        taken[id(program)] = sum(
            predict(params, program.image, step.start, step.commands, **other.timing)[0]["cycles"]
            for step in program.steps
            if step.commands
        )
    cycles = sum(taken[id(batch.program)] for batch in batches)
    layers = [layer for batch in batches for layer in batch.program.layers]
    macs = sum(layer.macs for layer in layers if layer.unit == "array")
    used = macs / (own.slots("array", params) * cycles) if cycles else 0.0
    return {"bytes_per_cycle": other.bytes_per_cycle, "cycles": cycles, "array_utilisation": used}


def in_a_row(steps: list[tuple[int, dict[str, np.ndarray]]]) -> dict[str, list[list[int]]]:
    """The same from each step's cycles and spans (accel.cyclemodel.record).

    Steps of a program follow one behind the other, as in a report's timeline.
    """
    began, found = 0, {}
    for cycles, spans in steps:
        for name, commands in spans.items():
            found.setdefault(name, []).append(commands + began)
        began += cycles
    gap = int(began * _SHARE)
    return {name: joined(np.concatenate(parts), gap) for name, parts in found.items()}


def joined(spans: np.ndarray, gap: int) -> list[list[int]]:
    """Spans [n, (begin, end)], sorted by both, with those joined that are at most ``gap`` apart."""
    if not len(spans):
        return []
    apart = np.flatnonzero(spans[1:, 0] - spans[:-1, 1] > gap)
    begins, ends = [0, *(apart + 1)], [*apart, len(spans) - 1]
    return [[int(spans[a, 0]), int(spans[b, 1])] for a, b in zip(begins, ends, strict=True)]
