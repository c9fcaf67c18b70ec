"""Each wait of each command, alone: the command comes long before what it waits for is over.

Where every command waits for all that was listed before it, the last of its waits hides the others.
Here it has but one, and a wait that is not heard shows in the number of cycles at least.
"""

import numpy as np

from accel.isa import FIELDS, Op, WindowMode
from accel.params import Params
from tests.mutation.directed import IDENTITY, tiles_at
from tests.support.program_writer import Writer, Written

#: Tiles of an EXEC that takes long, outputs of a WINDOW that does, rows of a copy that does.
_TILES, _OUTPUTS, _ROWS = 36, 90, 60


def waits(params: Params) -> list[tuple[str, Written]]:
    """A program for each wait of each opcode, with its name."""
    return [(f"wait {op.name.lower()} {field.name.removeprefix('wait_')}",
             _Program(params).of(op, field.name))
            for op in Op for field in FIELDS[op] if field.name.startswith("wait_")]  # fmt: skip


class _Program:
    """A program that grows: what takes long, and what waits for it."""

    def __init__(self, params: Params):
        self._rng = np.random.default_rng(31)
        source = self._rng.integers(0, 256, 1024).astype(np.uint8)
        self._writer, self._cols = Writer(params, source), params.cols
        for op in (Op.LOAD, Op.WLOAD):
            self._writer.add(op, src=0, inner=512, items=1, rows=1)
        self._tile = tiles_at(self._writer, self._rng, _TILES, params.tile_bytes)
        self._left: list[int] = []  # blocks that a POST is yet to take, by their pixels

    def of(self, op: Op, wait: str) -> Written:
        """The program for an opcode's field ``wait``."""
        engine = wait.removeprefix("wait_")
        if op is Op.POST and engine == "exec":  # of a block before the one that takes long
            self._block(8, 1)
        getattr(self, f"_slow_{engine}")()
        if op is Op.POST and not self._left:
            self._block(8, 1)
        only = {one.name: 0 for one in FIELDS[op] if one.name.startswith("wait_")}
        del only[wait]  # then it is for all that was listed
        if op is Op.EXEC:
            self._weights({"wait_load": 0, "wait_exec": 0, "wait_post": 0})
        getattr(self, f"_{op.name.lower()}")(only)
        if op is Op.WEIGHTS:
            self._exec({"wait_load": 1, "wait_window": 0, "wait_post": 0})
        if op is Op.WPARAM:
            self._window({"wait_wload": 1, "wait_exec": 0, "wait_post": 0}, mode=WindowMode.MAC)
        while self._left:
            self._post({})
        return self._writer.written()

    def _block(self, count: int, tiles: int) -> None:
        """A block of ``count`` pixels, of which a POST is yet to come."""
        self._weights({"wait_load": 0, "wait_exec": 0, "wait_post": 0}, tiles)
        self._exec({"wait_load": 1, "wait_window": 0, "wait_post": 0}, count, tiles)

    def _slow_load(self) -> None:
        self._copy(Op.LOAD, {"wait_exec": 0, "wait_post": 0, "wait_window": 0})

    def _slow_wload(self) -> None:
        self._copy(Op.WLOAD, {"wait_exec": 0, "wait_post": 0, "wait_window": 0})

    def _slow_exec(self) -> None:
        self._block(20, _TILES)

    def _slow_post(self) -> None:
        self._block(60, 1)
        while self._left:
            self._post({"wait_post": 0, "wait_window": 0})

    def _slow_window(self) -> None:
        self._window({"wait_wload": 1, "wait_exec": 0, "wait_post": 0}, _OUTPUTS)

    def _load(self, waits: dict[str, int]) -> None:
        self._copy(Op.LOAD, waits)

    def _wload(self, waits: dict[str, int]) -> None:
        self._copy(Op.WLOAD, waits)

    def _copy(self, op: Op, waits: dict[str, int]) -> None:
        """A copy to where nothing else reads or writes."""
        self._writer.add(op, src=8, inner=16, items=1, rows=_ROWS, row_pitch=8, dst_pitch=16,
                         dst=1024, **waits)  # fmt: skip

    def _weights(self, waits: dict[str, int], tiles: int = 1) -> None:
        self._writer.add(Op.WEIGHTS, src=self._tile, tiles=tiles, **waits)

    def _exec(self, waits: dict[str, int], count: int = 8, tiles: int = 1) -> None:
        self._writer.add(Op.EXEC, first=1, last=1, cols=self._cols, nx=count, ny=1, step_x=3,
                         k=tiles * self._writer.params.rows, seg=9, **waits)  # fmt: skip
        self._left.append(count)

    def _post(self, waits: dict[str, int]) -> None:
        count = self._left.pop(0)
        room = self._writer.room(count * self._cols)
        self._writer.add(
            Op.POST, begin=1, count=count, cols=self._cols, lo=-128, hi=127, in_w=count, in_h=1,
            out_w=count, out_h=1, dst=room, pitch_x=self._cols, **waits,
        )  # fmt: skip

    def _table(self, waits: dict[str, int]) -> None:
        self._writer.add(Op.TABLE, entries=1, index0=5, multiplier0=1 << 30, **waits)

    def _activation(self, waits: dict[str, int]) -> None:
        self._writer.add(Op.ACTIVATION, first=32, value3=9, **waits)

    def _wparam(self, waits: dict[str, int]) -> None:
        self._writer.add(Op.WPARAM, src=self._tile, tiles=1, **waits)

    def _window(self, waits: dict[str, int], count: int = 5, mode=WindowMode.MAX) -> None:
        room = self._writer.room(count * self._cols)
        self._writer.add(
            Op.WINDOW, mode=mode, cols=self._cols, nx=count, ny=1, step_x=self._cols, k=1,
            seg=1, lo=-128, hi=127, dst=room, pitch_x=self._cols, **waits,
            **(IDENTITY if mode is WindowMode.MAX else {}),
        )  # fmt: skip
