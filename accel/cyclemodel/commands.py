"""A program's commands as tables of numbers: what the machine's control looks at, no more."""

import dataclasses

import numpy as np

from accel.isa import COMMAND_BYTES, FIELDS, Op, Pool
from accel.params import Params

#: The engines' command queues, in the order in which the model numbers them, and their opcodes.
QUEUES = {
    "load": (Op.LOAD,),
    "weights": (Op.WEIGHTS,),
    "exec": (Op.EXEC,),
    "post": (Op.POST, Op.TABLE, Op.ACTIVATION),
    "wload": (Op.WLOAD,),
    "wparam": (Op.WPARAM,),
    "window": (Op.WINDOW,),
}
LOAD, WEIGHTS, EXEC, POST, WLOAD, WPARAM, WINDOW = range(len(QUEUES))

#: Columns of an engine's table.  The first three are counts to wait for; see ``WAITS``.
WAIT_A, WAIT_B, WAIT_C = range(3)
#: LOAD and WLOAD.
(L_SRC, L_INNER, L_ITEMS, L_ITEM_PITCH, L_ROWS, L_ROW_PITCH, L_LEFT, L_RIGHT) = range(3, 11)
_COPY = ("src", "inner", "items", "item_pitch", "rows", "row_pitch", "fill_left", "fill_right")
#: WEIGHTS and WPARAM.
W_SRC, W_TILES = range(3, 5)
#: EXEC.
X_FIRST, X_LAST, X_COLS, X_NX, X_NY, X_K = range(3, 9)
#: POST, TABLE and ACTIVATION (``P_ENTRIES`` is how many table entries it writes; 0 for a POST).
(P_BEGIN, P_MARK, P_COUNT, P_COLS, P_POOL, P_KH, P_KW, P_SH, P_SW, P_PT, P_PL, P_IN_W, P_IN_H,
 P_OUT_W, P_OUT_H, P_DST, P_PITCH_X, P_PITCH_Y, P_MARK_ADDR, P_NEAR,
 P_ENTRIES) = range(3, 24)  # fmt: skip
_POST = (
    "begin", "mark", "count", "cols", "pool", "kh", "kw", "sh", "sw", "pt", "pl", "in_w", "in_h",
    "out_w", "out_h", "dst", "pitch_x", "pitch_y", "mark_addr", "near",
)  # fmt: skip
#: WINDOW: behind columns of a POST, of which it has those that the store engine looks at.  The
#: last one tells whether it is like the WINDOW before it in what its blocks know of a command.
V_MODE, V_NX, V_NY, V_K, V_SAME = range(P_ENTRIES + 1, P_ENTRIES + 6)
_STORED = {
    P_MARK: "mark", P_COLS: "cols", P_OUT_W: "nx", P_DST: "dst", P_PITCH_X: "pitch_x",
    P_PITCH_Y: "pitch_y", P_MARK_ADDR: "mark_addr", P_NEAR: "near",
}  # fmt: skip
#: Those blocks have one register for these fields (rtl/window/walker.py).
_CONFIG = (
    "mode", "k", "rounding", "out_zero", "lo", "hi", "multiplier", "shift",
    "a_zero", "a_multiplier", "a_shift", "b_zero", "b_multiplier", "b_shift", "offset",
)  # fmt: skip
_COLUMNS = {
    Op.LOAD: _COPY,
    Op.WLOAD: _COPY,
    Op.WEIGHTS: ("src", "tiles"),
    Op.WPARAM: ("src", "tiles"),
    Op.EXEC: ("first", "last", "cols", "nx", "ny", "k"),
    Op.POST: _POST,
}
#: Entries that an ACTIVATION writes.
_ACTIVATION_ENTRIES = sum(field.name.startswith("value") for field in FIELDS[Op.ACTIVATION])


@dataclasses.dataclass(frozen=True)
class Commands:
    """A program's commands.

    ``queue`` and ``pooled`` belong to the commands in program order: which queue takes it, and
    whether its check needs a division.  ``tables`` has one int64 array [commands, columns] for
    each queue.
    """

    queue: np.ndarray
    pooled: np.ndarray
    tables: tuple[np.ndarray, ...]


def _field(words: np.ndarray, field) -> np.ndarray:
    """A field of every command in ``words``, uint64 [commands, COMMAND_BYTES / 8]."""
    word, shift = divmod(field.low, 64)
    value = words[:, word] >> np.uint64(shift)
    if shift + field.width > 64:
        value = value | words[:, word + 1] << np.uint64(64 - shift)
    value = (value & np.uint64((1 << field.width) - 1)).astype(np.int64)
    if field.signed:
        value -= (value >> field.width - 1) << field.width
    return value


def _columns(words: np.ndarray, op: Op) -> np.ndarray:
    """The table rows of commands that are all ``op``."""
    fields = {field.name: field for field in FIELDS[op]}
    waits = [name for name in fields if name.startswith("wait_")]
    return np.stack([_field(words, fields[name]) for name in (*waits, *_COLUMNS[op])], axis=1)


def _post_columns(words: np.ndarray, opcodes: np.ndarray) -> np.ndarray:
    """Like ``_columns`` for the three opcodes of the post engine, with ``P_ENTRIES``."""
    table = np.zeros((len(words), P_ENTRIES + 1), np.int64)
    table[:, :P_ENTRIES] = _columns(words, Op.POST)
    entries = next(field for field in FIELDS[Op.TABLE] if field.name == "entries")
    counts = {Op.TABLE: _field(words, entries), Op.ACTIVATION: _ACTIVATION_ENTRIES}
    for op, count in counts.items():
        mine = opcodes == op
        table[mine, P_BEGIN:P_ENTRIES] = 0
        table[:, P_ENTRIES] = np.where(mine, count, table[:, P_ENTRIES])
    return table


def _window_columns(words: np.ndarray) -> np.ndarray:
    """The table rows of WINDOW commands."""
    fields = {field.name: field for field in FIELDS[Op.WINDOW]}
    table = np.zeros((len(words), V_SAME + 1), np.int64)
    waits = [name for name in fields if name.startswith("wait_")]
    named = dict(enumerate(waits)) | _STORED | {
        V_MODE: "mode", V_NX: "nx", V_NY: "ny", V_K: "k",
    }  # fmt: skip
    for column, name in named.items():
        table[:, column] = _field(words, fields[name])
    configs = np.zeros((len(words) + 1, len(_CONFIG)), np.int64)
    for column, name in enumerate(_CONFIG):
        configs[1:, column] = _field(words, fields[name])
    table[:, V_SAME] = (configs[1:] == configs[:-1]).all(axis=1)
    return table


def decode(image: np.ndarray, start: int, count: int, params: Params) -> Commands:
    """The ``count`` commands at byte ``start`` of ``image`` (uint8).

    Raises:
        ValueError: an opcode that the machine does not have.
    """
    raw = np.ascontiguousarray(image[start : start + count * COMMAND_BYTES])
    words = raw.view("<u8").reshape(count, COMMAND_BYTES // 8)
    opcodes = (words[:, 0] & np.uint64(0xFF)).astype(np.int64)
    queue = np.full(count, -1, np.int64)
    tables = []
    for number, (name, ops) in enumerate(QUEUES.items()):
        mine = np.isin(opcodes, ops)
        queue[mine] = number
        if name == "post":
            tables.append(_post_columns(words[mine], opcodes[mine]))
        elif name == "window":
            tables.append(_window_columns(words[mine]))
        else:
            tables.append(_columns(words[mine], ops[0]))
    limit = len(QUEUES) if params.window_taps else WLOAD
    wrong = np.flatnonzero((queue < 0) | (queue >= limit))
    if wrong.size:
        raise ValueError(f"command {wrong[0]} has unknown opcode {opcodes[wrong[0]]}")
    pooled = np.zeros(count, np.int64)
    pooled[queue == POST] = (opcodes[queue == POST] == Op.POST) & (
        tables[POST][:, P_POOL] != Pool.NONE
    )
    # A row more than there are commands: an engine that has none may be looked at all the same.
    return Commands(queue, pooled, tuple(np.pad(table, ((0, 1), (0, 0))) for table in tables))
