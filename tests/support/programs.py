"""Look into programs, and spoil them."""

import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, Op, pack, unpack
from accel.program import Program


def _places(program: Program) -> list[int]:
    return [
        step.start + n * COMMAND_BYTES for step in program.steps for n in range(step.commands)
    ]


def commands(program: Program) -> list[tuple[Op, dict[str, int]]]:
    """The decoded commands of all steps."""
    return [unpack(program.image[n : n + COMMAND_BYTES].tobytes()) for n in _places(program)]


def without_waits(program: Program, op: Op, name: str) -> Program:
    """The same program, but its ``op`` commands wait for no ``name``."""
    image = program.image.copy()
    for start, (found, fields) in zip(_places(program), commands(program), strict=True):
        if found == op:
            image[start : start + COMMAND_BYTES] = np.frombuffer(
                pack(found, **fields | {name: 0}), np.uint8
            )
    return dataclasses.replace(program, image=image)
