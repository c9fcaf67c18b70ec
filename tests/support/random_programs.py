"""Random programs of the instruction set itself: fields and numbers that no compiler chooses.

A program has one right result: that of the interpreter (tests.support.machine).
"""

import numpy as np

from accel.isa import (
    ACTIVATION_ENTRIES,
    FLOATS,
    PAIRS,
    TABLE_ENTRIES,
    Op,
    Pool,
    Rounding,
    WindowMode,
)
from accel.params import POOL_OPEN, POOL_TABLE, WINDOW_TILES, Params
from tests.support.program_writer import Writer, Written
from tests.support.requantisers import vectors

#: Random bytes that programs copy from.
SOURCE = 8192
#: Pixels of an image or of a window's results, at most; blocks of commands in a program.
PIXELS, BLOCKS = 150, 9
#: The highest address and more: addresses are modulo this.
_WORD = 1 << 32


def random_program(params: Params, rng: np.random.Generator, blocks: int = BLOCKS) -> Written:
    """A program of a machine whose window unit feeds its array; buffers and tables come first."""
    draw = Draw(Writer(params, rng.integers(0, 256, SOURCE).astype(np.uint8)), rng)
    draw.fill()
    for _ in range(blocks):
        # Only a command that waits for a copy keeps it from what is written behind it.
        kind = rng.integers(5)
        if kind == 0:
            draw.copy(Op.LOAD)
            draw.image(near=False)
        elif kind == 1:
            draw.copy(Op.WLOAD)
            draw.window(near=False)
        elif kind == 2:
            draw.window(near=rng.random() < 0.5)
        else:
            draw.image(near=rng.random() < 0.3)
    return draw.writer.written()


class Draw:
    """Draws commands.

    Parameters:
        writer: where they are listed.
        rng: source of everything.
    """

    def __init__(self, writer: Writer, rng: np.random.Generator):
        self.writer, self.rng, self.params = writer, rng, writer.params

    def fill(self) -> None:
        """Give every buffer and the activation table their first contents."""
        rng, params = self.rng, self.params
        for op, size in ((Op.LOAD, params.input_bytes), (Op.WLOAD, params.window_bytes)):
            self.writer.add(op, src=rng.integers(SOURCE - size), inner=size, items=1, rows=1)
        for first in range(0, 256, ACTIVATION_ENTRIES):
            values = enumerate(rng.integers(-128, 128, ACTIVATION_ENTRIES))
            self.writer.add(Op.ACTIVATION, first=first, **{f"value{n}": one for n, one in values})
        # What waits for the copies, so that nothing overtakes them.
        self.image(near=False)
        self.window(near=False)

    def any(self, low: int, high: int) -> int:
        """A number from low to high, mostly a small one."""
        if self.rng.random() < 0.3:
            return int(self.rng.integers(low, high + 1))
        return min(high, low + int((high - low + 1) ** self.rng.random()) - 1)

    def chance(self, share: float) -> bool:
        """Yes, in so many cases."""
        return bool(self.rng.random() < share)

    def copy(self, op: Op) -> None:
        """A LOAD or WLOAD of rows with fills, backwards or forwards."""
        rng, params = self.rng, self.params
        size = params.input_bytes if op is Op.LOAD else params.window_bytes
        items, inner, rows = self.any(1, 40), self.any(0, 40), self.any(1, 12)
        left, right = (self.any(0, 30) * self.chance(0.5) for _ in range(2))
        left += not inner and not left and not right
        # The window unit's fills are whole words.
        unit = params.cols if op is Op.WLOAD and left + right else 1
        left, right, inner = (-(-one // unit) * unit for one in (left, right, inner))
        length = left + items * inner + right
        rows = min(rows, size // length)
        pitch = size - 1 if rows == 1 else (size - length) // (rows - 1)
        item_pitch, row_pitch = (int(one) for one in rng.integers(-90, 90, 2))
        ends = [n * item_pitch + m * row_pitch for n in (0, items - 1) for m in (0, rows - 1)]
        self.writer.add(
            op, src=rng.integers(-min(ends), SOURCE - max(ends) - inner),
            dst=rng.integers(size // unit) * unit,
            inner=inner, items=items, item_pitch=item_pitch % _WORD, rows=rows,
            row_pitch=row_pitch % _WORD,
            dst_pitch=rng.integers(min(pitch, size - 1) // unit + 1) * unit,
            fill_left=left, fill_right=right, fill_value=rng.integers(-128, 128),
        )  # fmt: skip

    def scales(self, rounding: Rounding, count: int, spread: int):
        """Sums, multipliers and shifts whose results are often about a half, though the sums may
        vary by ``spread``."""
        x, multiplier, shift = vectors(self.rng, count, rounding)
        most = (1 << 31) - 1 - spread
        x = np.clip(x, -most, most)
        if rounding not in FLOATS:
            shift = np.minimum(shift, [_room(abs(int(one)) + spread) for one in x])
        return x, multiplier, shift

    def scale(self, rounding: Rounding, most: int) -> dict[str, int]:
        """A multiplier and a shift for numbers up to ``most`` in magnitude."""
        _, multiplier, shift = (int(one[0]) for one in self.scales(rounding, 1, 0))
        if self.chance(0.7):  # such that results are bytes
            shift = 8 - most.bit_length() + int(self.rng.integers(-2, 3))
        if rounding not in FLOATS:
            shift = min(shift, _room(most))
        return {"multiplier": multiplier, "shift": min(shift, 30)}

    def clamp(self) -> dict[str, int]:
        """Limits, often none, and a zero point."""
        low, high = sorted(self.rng.integers(-128, 128, 2)) if self.chance(0.3) else (-128, 127)
        return {"lo": low, "hi": high, "out_zero": self.rng.integers(-128, 128)}

    def place(self, width: int, height: int, cols: int) -> dict[str, int]:
        """Room in memory for results: row by row, column by column, or from the last row up."""
        inner, rng = cols + self.any(0, 9), self.rng
        if self.chance(0.3):
            outer = height * inner + self.any(0, 30)
            size, pitch_x, pitch_y = width * outer, outer, inner
        else:
            outer = width * inner + self.any(0, 30)
            size, pitch_x, pitch_y = height * outer, inner, outer
        dst = self.writer.room(size + 8) + int(rng.integers(8))
        if self.chance(0.3):
            dst, pitch_y = dst + (height - 1) * pitch_y, -pitch_y
        return {"dst": dst, "pitch_x": pitch_x, "pitch_y": pitch_y % _WORD}

    def near(self, size: int, unit: int) -> dict[str, int]:
        """A place in a buffer, of bytes or words."""
        draw = self.rng.integers
        return {"near": 1, "dst": draw(size // unit) * unit,
                "pitch_x": draw((1 << 20) // unit) * unit, "pitch_y": draw(_WORD // unit) * unit}

    def mark(self) -> dict[str, int]:
        """Sometimes a completion record."""
        return self.writer.mark() if self.chance(0.3) else {}

    def image(self, near: bool) -> None:
        """Blocks of the array that together are an image, pooled or not."""
        rng, params = self.rng, self.params
        width, height = self.any(1, 30), self.any(1, 30)
        height = max(1, min(height, PIXELS // width))
        rounding, cols = Rounding(rng.integers(len(Rounding))), params.cols
        if not near:
            cols = self.any(1, cols)
        values = {"cols": cols, "rounding": rounding, "in_w": width, "in_h": height,
                  "activate": self.chance(0.2), **self.clamp()}  # fmt: skip
        values |= self.pool(width, height)
        if near:
            values |= self.near(params.window_bytes, params.cols)
        else:
            values |= self.place(values["out_w"], values["out_h"], cols)
        left = width * height
        while left:
            count = min(left, self.any(1, params.bank_rows) if self.chance(0.5) else 64)
            self.block(count, cols, rounding)
            self.writer.add(Op.POST, begin=left == width * height, count=count, **values,
                            **self.mark())  # fmt: skip
            left -= count

    def block(self, count: int, cols: int, rounding: Rounding) -> None:
        """WEIGHTS and EXECs of a block of pixels."""
        rng, params = self.rng, self.params
        depths = [self.any(1, 30) for _ in range(self.any(1, 3))]
        tiles = [-(-depth // params.rows) for depth in depths]
        weights = rng.integers(-128, 128, (sum(tiles) * params.rows, params.cols))
        if self.chance(0.5):  # what a sum is, is the bias's
            weights = rng.integers(-1, 2, weights.shape) * (rng.random(weights.shape) < 0.1)
        record = self.writer.record(*self.scales(rounding, params.cols, 128 * 128 * len(weights)))
        where = self.writer.constants(
            np.concatenate([record.reshape(-1), weights.astype(np.int8).reshape(-1).view(np.uint8)])
        )
        self.writer.add(Op.WEIGHTS, src=where, tiles=sum(tiles))
        width = int(rng.choice([n for n in range(1, count + 1) if count % n == 0]))
        for number, depth in enumerate(depths):
            self.writer.add(
                Op.EXEC, first=number == 0, last=number == len(depths) - 1, cols=cols,
                base=rng.integers(params.input_bytes), nx=width, ny=count // width,
                step_x=rng.integers(1 << 20), step_y=rng.integers(1 << 20), k=depth,
                seg=self.any(1, 40), seg_skip=rng.integers(1 << 16),
            )  # fmt: skip

    def pool(self, width: int, height: int) -> dict[str, int]:
        """The fields of a POST that say how an image is pooled."""
        rng, kind = self.rng, Pool(self.rng.integers(len(Pool)))
        if kind == Pool.NONE:
            return {"out_w": width, "out_h": height}
        rounding, zero = Rounding(rng.integers(len(Rounding))), int(rng.integers(-128, 128))
        while True:
            (kw, sw, pl, out_w), (kh, sh, pt, out_h) = map(self._windows, (width, height))
            open_x, open_y = min(out_w, -(-kw // sw)), -(-kh // sh)
            if open_x <= POOL_OPEN and open_y * out_w <= self.params.pool_entries:
                break
        if kind == Pool.AVERAGE:
            spans = [{min(n * s - p + k, size) - max(n * s - p, 0) for n in range(out)}
                     for k, s, p, out, size in ((kw, sw, pl, out_w, width),
                                                (kh, sh, pt, out_h, height))]  # fmt: skip
            self.table({x * y for x in spans[0] for y in spans[1]}, rounding, zero)
        return {"pool": kind, "pool_rounding": rounding, "pool_in_zero": zero, "kh": kh, "kw": kw,
                "pool_out_zero": rng.integers(-128, 128), "sh": sh, "sw": sw, "pt": pt, "pl": pl,
                "out_w": out_w, "out_h": out_h}  # fmt: skip

    def _windows(self, size: int) -> tuple[int, int, int, int]:
        """Kernel, stride, padding and number of windows along an axis; none is all padding."""
        kernel = self.any(1, min(255, size + 3))
        stride, pad = self.any(1, 6), self.any(0, kernel - 1)
        most = (size - 1 + pad) // stride + 1
        return kernel, stride, pad, most if self.chance(0.7) else self.any(1, most)

    def table(self, counts: set[int], rounding: Rounding, zero: int) -> None:
        """TABLEs for averages of so many elements."""
        scales = {count % POOL_TABLE: self.scale(rounding, count * (128 + abs(zero)))
                  for count in sorted(counts)}  # fmt: skip
        entries = [{"index": index, **scale} for index, scale in scales.items()]
        for first in range(0, len(entries), TABLE_ENTRIES):
            some = entries[first : first + TABLE_ENTRIES]
            self.writer.add(Op.TABLE, entries=len(some), **{
                f"{name}{n}": value for n, one in enumerate(some) for name, value in one.items()
            })  # fmt: skip

    def window(self, near: bool) -> None:
        """A WINDOW of any mode, with its WPARAM."""
        rng, params = self.rng, self.params
        mode, word = WindowMode(rng.integers(len(WindowMode))), params.cols
        width = self.any(1, 30)
        height = self.any(1, max(1, PIXELS // width))
        k = self.any(1, WINDOW_TILES * params.window_taps)
        k = 2 if mode in (*PAIRS, WindowMode.MIN) else k
        rounding, cols = Rounding(rng.integers(len(Rounding))), self.any(1, params.cols)
        values = {
            "mode": mode, "cols": cols, "nx": width, "ny": height, "k": k, "seg": self.any(1, 20),
            "base": rng.integers(params.window_bytes // word) * word,
            "step_x": rng.integers((1 << 20) // word) * word,
            "step_y": rng.integers((1 << 20) // word) * word,
            "seg_skip": rng.integers(1 << 16), "rounding": rounding, **self.clamp(), **self.mark(),
        }  # fmt: skip
        values |= self._window_scales(mode, rounding, k)
        values |= self.near(params.input_bytes, 1) if near else self.place(width, height, cols)
        self.writer.add(Op.WINDOW, **values)

    def _window_scales(self, mode: WindowMode, rounding: Rounding, k: int) -> dict[str, int]:
        """What a WINDOW's results are scaled by, of a MAC by a WPARAM in front of it."""
        rng, params = self.rng, self.params
        zeros = {f"{name}_zero": int(rng.integers(-128, 128)) for name in "ab"}
        if mode == WindowMode.MAC:
            tiles = -(-k // params.window_taps)
            weights = rng.integers(-128, 128, (tiles * params.window_taps, params.cols))
            if self.chance(0.5):
                weights = rng.integers(-1, 2, weights.shape) * (rng.random(weights.shape) < 0.1)
            record = self.writer.record(*self.scales(rounding, params.cols, k * 128 * 128))
            where = self.writer.constants(np.concatenate(
                [record.reshape(-1), weights.astype(np.int8).reshape(-1).view(np.uint8)]
            ))  # fmt: skip
            self.writer.add(Op.WPARAM, src=where, tiles=tiles)
            return {}
        if mode in (WindowMode.MAX, WindowMode.MIN):
            return self.scale(rounding, 128)
        if mode == WindowMode.SUM:
            return zeros | self.scale(rounding, k * 256)
        if mode == WindowMode.MUL:
            return zeros | self.scale(rounding, 1 << 16)
        shifts = [-self.any(0, 31) for _ in range(2)]
        offset = int(rng.integers(-128, 128)) if shifts[1] >= -22 and self.chance(0.5) else 0
        most = sum(1 << 28 + shift if shift > -28 else 1 for shift in shifts) + 128
        return zeros | self.scale(rounding, most) | {
            "a_multiplier": rng.integers(1 << 31), "a_shift": shifts[0],
            "b_multiplier": rng.integers(1 << 31), "b_shift": shifts[1], "offset": offset,
        }  # fmt: skip


def _room(most: int) -> int:
    """By how much a number up to ``most`` in magnitude can be shifted to the left."""
    return 31 - most.bit_length()
