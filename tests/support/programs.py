"""Look into programs, and spoil them."""

import collections
import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, Op, pack, unpack
from accel.program import Program, Step

#: Whose count a command is part of; that of WEIGHTS and WPARAM nobody can name.
COUNTED = {Op.LOAD: "load", Op.EXEC: "exec", Op.POST: "post", Op.TABLE: "post",
           Op.ACTIVATION: "post", Op.WLOAD: "wload", Op.WINDOW: "window",
           Op.WEIGHTS: "weights", Op.WPARAM: "wparam"}  # fmt: skip


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


def tightened(program: Program, seed: int, share: float = 0.2) -> Program:
    """The same program, some of whose commands wait for more than they need: all listed so far.

    Nothing that it computes changes, and nothing deadlocks (accel/isa.py); only cycles do.

    Args:
        program: any.
        seed: chooses which commands' fields are raised, and by how much.
        share: of the fields, how many.
    """
    rng, image = np.random.default_rng(seed), program.image.copy()
    for step in program.steps:
        listed = collections.Counter()
        for place, (op, fields) in enumerate(commands_of(program, step)):
            for name in fields:
                if name.startswith("wait_") and rng.random() < share:
                    most = listed[name.removeprefix("wait_")]
                    fields[name] = int(rng.integers(fields[name], max(most, fields[name]) + 1))
            start = step.start + place * COMMAND_BYTES
            image[start : start + COMMAND_BYTES] = np.frombuffer(pack(op, **fields), np.uint8)
            listed[COUNTED[op]] += 1
    return dataclasses.replace(program, image=image)
