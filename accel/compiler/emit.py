"""Encode the commands of a program, when it is known where its data lies.

This is accel.isa.pack for many commands at once: a column of numbers for each field.
"""

import itertools

import numpy as np

from accel.compiler.schedule import Command
from accel.isa import COMMAND_BYTES, FIELDS, Field, Op, pack

#: Fields that hold an address of the data area, to be moved behind the commands.
_ADDRESS = {
    Op.LOAD: ("src",), Op.WLOAD: ("src",), Op.WEIGHTS: ("src",), Op.WPARAM: ("src",),
    Op.POST: ("dst", "mark_addr"), Op.WINDOW: ("dst", "mark_addr"),
}  # fmt: skip
_WORDS, _WORD_BITS = COMMAND_BYTES // 8, 64


def encode(commands: list[Command], offset: int) -> np.ndarray:
    """The commands' bytes (uint8), with every data address moved up by ``offset``.

    Raises:
        accel.isa.EncodingError: naming command, field, allowed range and value.
    """
    words = np.zeros((len(commands), _WORDS), np.uint64)
    grouped: dict[Op, tuple[list[int], list[dict[str, int]]]] = {op: ([], []) for op in Op}
    for number, (op, fields) in enumerate(commands):
        numbers, every = grouped[op]
        numbers.append(number)
        every.append(fields)
    for op, (numbers, every) in grouped.items():
        if numbers:
            words[numbers] = _words(op, every, offset)
    return words.astype("<u8").view(np.uint8).reshape(-1)


def _words(op: Op, commands: list[dict[str, int]], offset: int) -> np.ndarray:
    """The words (uint64) of commands that are all ``op``, given by their fields."""
    words = np.zeros((len(commands), _WORDS), np.uint64)
    words[:, 0] = int(op)
    zeros = dict.fromkeys(set().union(*commands), 0)
    known = {field.name: field for field in FIELDS[op] if field.name != "opcode"}
    if zeros.keys() - known.keys():
        pack(op, **zeros)  # raises: there is no such field
    numbers = itertools.chain.from_iterable((zeros | fields).values() for fields in commands)
    table = np.fromiter(numbers, np.int64, len(commands) * len(zeros))
    for name, values in zip(zeros, table.reshape(len(commands), -1).T, strict=True):
        field = known[name]
        if name in _ADDRESS.get(op, ()):
            values = values + offset * np.array([_is_moved(op, one, field) for one in commands])
        _check(op, field, values)
        _insert(words, field, values)
    return words


def _is_moved(op: Op, fields: dict[str, int], field: Field) -> bool:
    """Whether a command has an address in ``field``: one that only fills, or stays near, has none.
    """
    if field.name == "dst" and fields.get("near"):
        return False
    return field.name in fields and (op not in (Op.LOAD, Op.WLOAD) or fields["inner"] != 0)


def _check(op: Op, field: Field, values: np.ndarray) -> None:
    low, high = field.range
    for wrong in np.flatnonzero((values < low) | (values > high))[:1]:
        pack(op, **{field.name: int(values[wrong])})  # raises


def _insert(words: np.ndarray, field: Field, values: np.ndarray) -> None:
    """Put values into their bits."""
    bits = values.astype(np.uint64) & np.uint64((1 << field.width) - 1)
    word, shift = divmod(field.low, _WORD_BITS)
    words[:, word] |= bits << np.uint64(shift)
    if shift + field.width > _WORD_BITS:
        words[:, word + 1] |= bits >> np.uint64(_WORD_BITS - shift)
