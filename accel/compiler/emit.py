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
    grouped: dict[Op, list[dict[str, int]]] = {op: [] for op in Op}
    for op, fields in commands:
        grouped[op].append(fields)
    opcodes = np.fromiter((op for op, _ in commands), np.int64, len(commands))
    for op, every in grouped.items():
        if every:
            words[opcodes == op] = _words(op, every, offset)
    return words.astype("<u8").view(np.uint8).reshape(-1)


def _words(op: Op, commands: list[dict[str, int]], offset: int) -> np.ndarray:
    """The words (uint64) of commands that are all ``op``, given by their fields."""
    words = np.zeros((len(commands), _WORDS), np.uint64)
    words[:, 0] = int(op)
    known = {field.name: field for field in FIELDS[op] if field.name != "opcode"}
    columns = _columns(commands)
    if columns.keys() - known.keys():
        pack(op, **dict.fromkeys(columns, 0))  # raises: there is no such field
    for name in _ADDRESS.get(op, ()):
        if name in columns:
            columns[name] = columns[name] + offset * _moved(op, name, columns, commands)
    for name, values in columns.items():
        _check(op, known[name], values)
        _insert(words, known[name], values)
    return words


def _columns(commands: list[dict[str, int]]) -> dict[str, np.ndarray]:
    """Every field's numbers (int64), those of commands that do not have it 0."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, fields in enumerate(commands):
        alike.setdefault((*fields,), []).append(number)
    columns: dict[str, np.ndarray] = {}
    for names, numbers in alike.items():
        some = map(commands.__getitem__, numbers)
        values = itertools.chain.from_iterable(map(dict.values, some))
        table = np.fromiter(values, np.int64, len(numbers) * len(names))
        for name, column in zip(names, table.reshape(len(numbers), -1).T, strict=True):
            if name not in columns:
                columns[name] = np.zeros(len(commands), np.int64)
            columns[name][numbers] = column
    return columns


def _moved(op: Op, name: str, columns, commands: list[dict[str, int]]) -> np.ndarray:
    """Which commands have an address in a field: one that only fills, or stays near, has none."""
    if op in (Op.LOAD, Op.WLOAD):
        return columns["inner"] != 0
    if name == "dst" and "near" in columns:
        return columns["near"] == 0
    return np.array([name in fields for fields in commands])


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
