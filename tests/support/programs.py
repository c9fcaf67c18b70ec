"""Look into programs, and spoil them."""

import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, Op, pack, unpack
from accel.program import Program, Step


def _places(program: Program) -> list[int]:
    return [
        step.start + n * COMMAND_BYTES for step in program.steps for n in range(step.commands)
    ]


def commands(program: Program) -> list[tuple[Op, dict[str, int]]]:
    """The decoded commands of all steps."""
    return [command for step in program.steps for command in commands_of(program, step)]


def commands_of(program: Program, step: Step) -> list[tuple[Op, dict[str, int]]]:
    """Those of one step."""
    places = range(step.start, step.start + step.commands * COMMAND_BYTES, COMMAND_BYTES)
    return [unpack(program.image[n : n + COMMAND_BYTES].tobytes()) for n in places]


def without_waits(program: Program, op: Op, name: str) -> Program:
    """The same program, but its ``op`` commands wait for no ``name``."""
    image = program.image.copy()
    for start, (found, fields) in zip(_places(program), commands(program), strict=True):
        if found == op:
            image[start : start + COMMAND_BYTES] = np.frombuffer(
                pack(found, **fields | {name: 0}), np.uint8
            )
    return dataclasses.replace(program, image=image)
