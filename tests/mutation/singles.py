"""Commands alone: every field at its ends, at the machine's limits and beyond, every bit of a wait.

A refused command ends at once, one that waits for ever by the time limit, any other by what it
does; one host runs them all, one behind the other, on one machine.
"""

import numpy as np

from accel.isa import COMMAND_BYTES, FIELDS, FLOATS, Op, Pool, Rounding, WindowMode, pack
from accel.params import POOL_OPEN, WINDOW_TILES, Params
from accel.registers import Reg
from accel.sim.engine import Memory
from tests.mutation.host import HostCase, accesses

#: Bytes in front of the commands; cycles that a command may stand still.
_ROOM, _TIMEOUT, _BUDGET = 8192, 60, 500
#: Fields of which a rule looks at every bit.
_COUNTED = ("dst", "base", "dst_pitch", "inner", "items", "rows", "tiles", "count", "nx", "ny", "k",
            "seg", "in_w", "in_h", "out_w", "out_h", "fill_left", "fill_right")  # fmt: skip
#: A command of each kind that is sound.
_COPY = {"inner": 8, "items": 2, "item_pitch": 8, "rows": 2, "row_pitch": 16, "dst_pitch": 16}
_RESULT = {"cols": 4, "lo": -128, "hi": 127, "dst": 1024, "pitch_x": 4}
SOUND = {
    Op.LOAD: _COPY, Op.WLOAD: _COPY, Op.WEIGHTS: {"tiles": 1}, Op.WPARAM: {"tiles": 1},
    Op.EXEC: {"first": 1, "last": 1, "cols": 4, "nx": 4, "ny": 2, "k": 4, "seg": 4},
    Op.POST: _RESULT | {"begin": 1, "count": 8, "in_w": 8, "in_h": 1, "out_w": 8, "out_h": 1},
    Op.TABLE: {"entries": 1}, Op.ACTIVATION: {},
    Op.WINDOW: _RESULT | {"mode": WindowMode.MAX, "nx": 2, "ny": 2, "k": 2, "seg": 2,
                          "pitch_y": 64, "multiplier": 1 << 30, "shift": 1},
}  # fmt: skip
#: What a pooled one has besides.
POOLED = {"pool": Pool.MAX, "kh": 2, "kw": 2, "sh": 2, "sw": 2, "out_w": 4}


def commands(params: Params) -> list[bytes]:
    """All of them, in an order of their own for every machine."""
    found = [pack(op, **values) for op, values in SOUND.items()]
    for op, values in SOUND.items():
        for field in FIELDS[op][1:]:
            if field.name[-1].isdigit():
                continue  # of a table: anything will do
            low, high = field.range
            picked = {low, high, 0, 1, low + 1, 2, high - 1, high >> 1}
            if field.name in _COUNTED or field.name.startswith("wait_"):
                picked |= {1 << bit for bit in range(field.width)}
            for limit in _limits(params).get(field.name, ()):
                picked |= {limit - 1, limit, limit + 1}
            found += [pack(op, **values | {field.name: value}) for value in sorted(picked)
                      if low <= value <= high]  # fmt: skip
        # Opcodes that are none, and bits behind the last field.
        command = bytearray(pack(op, **values))
        last = FIELDS[op][-1]
        for bit in (*range(8), *range(last.low + last.width, 8 * COMMAND_BYTES)):
            other = bytearray(command)
            other[bit // 8] ^= 1 << bit % 8
            found.append(bytes(other))
    return list(dict.fromkeys(found + _pairs(params)))


def _limits(params: Params) -> dict[str, tuple[int, ...]]:
    """Numbers at which a field's rule may change its mind."""
    buffers = params.input_bytes, params.window_bytes
    return {
        "cols": (params.cols,), "count": (params.bank_rows,), "base": buffers, "dst": buffers,
        "dst_pitch": buffers, "out_w": (POOL_OPEN,), "tiles": (WINDOW_TILES,),
        "k": (WINDOW_TILES * params.window_taps,), "pool": (max(Pool),), "mode": (max(WindowMode),),
        "rounding": (max(Rounding),), "pool_rounding": (max(Rounding),), "entries": (8,),
    }  # fmt: skip


def _pairs(params: Params) -> list[bytes]:
    """Rules of more than one field, on both sides of their limits."""
    rng, found = np.random.default_rng(4), []

    def add(op, **values):
        found.append(pack(op, **SOUND[op] | {name: int(one) for name, one in values.items()}))

    for op, size in ((Op.LOAD, params.input_bytes), (Op.WLOAD, params.window_bytes)):
        for inner in (1, 3, 37, 64, 255, 512, size // 2, size):
            for more in (-1, 0, 1):
                items = max(1, size // inner)
                fills = size + more - inner * items
                left = int(rng.integers(max(fills, 0) + 1))
                add(op, rows=1, inner=inner, items=items, fill_left=left,
                    fill_right=max(fills - left, 0))  # fmt: skip
                add(op, rows=1, inner=inner, items=items + more)
        add(op, inner=0, items=1)
        add(op, inner=0, items=1, fill_right=3)
        add(op, inner=0xFFFFF, items=0xFFFF)
    for nx, ny in ((1, 64), (1, 65), (64, 1), (65, 1), (8, 8), (9, 7), (13, 5), (16, 4), (5, 13),
                   (0x8000, 2), (2, 0x8000), (0x100, 0x100), (0xFFFF, 0xFFFF)):  # fmt: skip
        add(Op.EXEC, nx=nx, ny=ny)
    for mode in WindowMode:
        add(Op.WINDOW, mode=mode)
        add(Op.WINDOW, mode=mode, k=3)
        for rounding in Rounding:
            for multiplier in (0, 1, 64, 128, 1 << 29, 1 << 30, (1 << 30) + 1, (1 << 31) - 128):
                add(Op.WINDOW, mode=mode, rounding=rounding, multiplier=multiplier)
        for shift in (-32, -31, -23, -22, -1, 0, 1, 30, 31):
            add(Op.WINDOW, mode=mode, shift=shift)
            for name, offset in (("a", 0), ("b", 0), ("b", 1), ("b", -128), ("a", 5)):
                add(Op.WINDOW, mode=mode, offset=offset, **{f"{name}_shift": shift})
        for name in ("a_multiplier", "b_multiplier", "offset"):
            add(Op.WINDOW, mode=mode, **{name: 1})
    found += _images(params, rng)
    for name in FLOATS:  # one bit of a multiplier that must not be there
        for bit in range(8):
            add(Op.WINDOW, rounding=name, multiplier=1 << 30 | 1 << bit)
    return found


def _images(params: Params, rng) -> list[bytes]:
    """POSTs with pooling, without it, and near."""
    found = []
    for _ in range(150):
        values = SOUND[Op.POST] | POOLED
        for name in rng.choice(["kh", "kw", "sh", "sw", "pt", "pl", "out_w"], 3):
            most = 300 if name == "out_w" else 256
            values[name] = int(rng.integers(2 ** rng.uniform(0, np.log2(most))))
        found.append(pack(Op.POST, **values))
    for axis, pad in (("h", "pt"), ("w", "pl")):
        for kernel in (1, 2, 3, 4, 8, 16, 32, 64, 128, 255):
            for before in (kernel - 1, kernel, min(255, kernel + 1)):
                found.append(pack(Op.POST, **SOUND[Op.POST] | POOLED | {
                    f"k{axis}": kernel, f"s{axis}": kernel, pad: before, "out_w": 1}))  # fmt: skip
    for kernel, stride in ((16, 1), (17, 1), (32, 2), (33, 2), (255, 15), (255, 16), (1, 1)):
        for windows in (POOL_OPEN, POOL_OPEN + 1, 64, 65):
            found.append(pack(Op.POST, **SOUND[Op.POST] | POOLED | {
                "kw": kernel, "sw": stride, "out_w": windows, "kh": 1, "sh": 1}))  # fmt: skip
    for entries in range(60, 68):
        for rows in (1, 2, 3, 4):
            kernel = rows * 3 - int(rng.integers(3))
            found.append(pack(Op.POST, **SOUND[Op.POST] | POOLED | {
                "kh": kernel, "sh": 3, "out_w": entries // rows}))  # fmt: skip
    for dst, pitch_x, pitch_y in ((0, 4, 4), (1, 4, 4), (4, 2, 4), (4, 4, 1), (2, 0, 0),
                                  (params.window_bytes, 4, 4), (params.window_bytes - 4, 4, 4)):
        for begin in (0, 1):
            found.append(pack(Op.POST, **SOUND[Op.POST] | {
                "near": 1, "dst": dst, "pitch_x": pitch_x, "pitch_y": pitch_y, "begin": begin,
                "in_w": begin}))  # fmt: skip
    return found


def singles(params: Params) -> HostCase:
    """The host that runs them."""
    return one_by_one("single commands", commands(params))


def one_by_one(name: str, listed: list[bytes]) -> HostCase:
    """A host that runs commands: it writes PROGRAM and CONTROL, awaits the interrupt, reads."""
    rng = np.random.default_rng(6)
    memory = np.concatenate([rng.integers(0, 256, _ROOM).astype(np.uint8),
                             np.frombuffer(b"".join(listed), np.uint8)])  # fmt: skip
    rows = [(Reg.COMMANDS, 1), (Reg.TIMEOUT, _TIMEOUT), (Reg.BUDGET, _BUDGET)]
    for number in range(len(listed)):
        rows += [(Reg.PROGRAM, _ROOM + COMMAND_BYTES * number), (Reg.CONTROL, 1)]
    writes = accesses(rng, [address for address, _ in rows])
    writes[:, 0] = writes[:, 5:] = 0
    writes[:, 3], writes[:, 4] = [value for _, value in rows], 15
    # From the second on a PROGRAM is written when the one before is over, and has been read.
    writes[5::2, 0], writes[5::2, 1] = 24, 1
    reads = accesses(rng, [Reg.STATUS, Reg.WHERE] * len(listed))
    reads[:, 0] = reads[:, 5:] = 0
    reads[::2, 0], reads[::2, 1] = 40, 1
    return HostCase(name, memory, Memory(latency_cycles=2), writes, reads, (),
                    cycles=260 * len(listed))  # fmt: skip
