"""What each engine of the machine did when, from the cycle model, for reports."""

import numpy as np

from accel.cyclemodel import record
from accel.program import Program
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
                program.params, program.image, step.start, step.commands, memory.latency_cycles,
                memory.bytes_per_cycle,
            )  # fmt: skip
            steps.append((total["cycles"], spans))
    return in_a_row(steps)


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
