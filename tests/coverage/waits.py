"""For every field that waits a program in which it is what a command waits for, and one in which it
waits for what is done already.

Beside either there is the same without it: where a wait is taken, that program ends sooner.
"""

import dataclasses

import numpy as np

from accel.isa import Op, WindowMode
from accel.params import Params
from tests.coverage.points import waits
from tests.mutation.directed import IDENTITY, filled, tiles_at
from tests.mutation.singles import SOUND
from tests.support.program_writer import Writer, Written

#: Pixels of a block; weight tiles of a slow one, vectors of a slow WINDOW.
PIXELS, SLOW = 24, 40


@dataclasses.dataclass(frozen=True)
class Waiting:
    """A program with a wait, and the same without.

    Attributes:
        name: of the point.
        taken: whether the wait holds the command up.
        program, without: the two.
    """

    name: str
    taken: bool
    program: Written
    without: Written


def waiting(params: Params) -> list[Waiting]:
    """All of them."""
    return [
        Waiting(f"{op.name}: {wait} {'taken' if taken else 'not taken'}", taken,
                _program(params, op, wait, taken, True), _program(params, op, wait, taken, False))
        for op, wait in waits() for taken in (True, False)
    ]  # fmt: skip


def _program(params: Params, op: Op, wait: str, taken: bool, waits_: bool) -> Written:
    """Everything once; perhaps a slow command of who is waited for; the command that may wait."""
    draw = _Draw(filled(params, 31))
    for one in Op:
        draw.add(one)
    engine = wait.removeprefix("wait_")
    count = draw.writer.issued(engine)
    draw.add(op)  # waits for all these: what comes behind it finds them done
    if taken and op is Op.POST and engine == "exec":
        draw.begin_block(1, {})  # whose results are at hand while the next one is computed
    if taken:
        draw.slow(engine)
        count = draw.writer.issued(engine)
    given = dict.fromkeys((name for one, name in waits() if one is op), 0)
    draw.add(op, given | {wait: count if waits_ else 0})
    draw.settle()
    return draw.writer.written()


class _Draw:
    """Lists commands with all that they need."""

    def __init__(self, writer: Writer):
        self.writer, self._params = writer, writer.params
        rng = np.random.default_rng(32)
        self._weights = tiles_at(writer, rng, SLOW, self._params.tile_bytes)
        self._records = tiles_at(writer, rng, 1, self._params.window_taps * self._params.cols)
        self._open = 0  # blocks whose results were not yet stored

    def add(self, op: Op, waits_: dict[str, int] | None = None) -> None:
        """A command that waits only so, and what it needs, which waits for nothing; or one that
        waits for all before it."""
        given = waits_ or {}
        if op in (Op.WEIGHTS, Op.EXEC):
            self.begin_block(1, {op: given} if waits_ else {})
            self.settle()
        elif op is Op.POST:
            if not self._open:
                self.begin_block(1, {op: given} if waits_ else {})
            self.post(given)
        elif op is Op.WPARAM:
            self.writer.add(op, src=self._records, tiles=1, **given)
            self.window(3, mode=WindowMode.MAC)
        elif op is Op.WINDOW:
            self.window(3, mode=WindowMode.MAX, **given)
        elif op in (Op.LOAD, Op.WLOAD):
            self.writer.add(op, src=64, inner=64, items=3, rows=1, **given)
        else:
            self.writer.add(op, **SOUND[op] | given)

    def slow(self, engine: str) -> None:
        """A command of an engine that takes long."""
        if engine in ("load", "wload"):
            sizes = {"load": self._params.input_bytes, "wload": self._params.window_bytes}
            self.writer.add(Op[engine.upper()], inner=1, items=sizes[engine] // 8, item_pitch=1,
                            rows=1)  # fmt: skip
        elif engine == "window":
            self.window(SLOW, mode=WindowMode.MAX)
        else:
            self.begin_block(SLOW, {})
            if engine == "post":
                self.settle()

    def begin_block(self, tiles: int, waits_: dict[Op, dict[str, int]]) -> None:
        """WEIGHTS and EXEC of a few pixels; what stands in front of one that waits does not."""
        first = {}
        for op in (Op.WEIGHTS, Op.EXEC):
            if waits_ and op not in waits_ and Op.WEIGHTS not in waits_:
                first[op] = dict.fromkeys((name for one, name in waits() if one is op), 0)
        waits_ = first | waits_
        cols = self._params.cols
        self.writer.add(Op.WEIGHTS, src=self._weights, tiles=tiles, **waits_.get(Op.WEIGHTS, {}))
        self.writer.add(Op.EXEC, first=1, last=1, cols=cols, nx=PIXELS, ny=1, step_x=1, seg=1,
                        k=tiles * self._params.rows, **waits_.get(Op.EXEC, {}))  # fmt: skip
        self._open += 1

    def post(self, waits_: dict[str, int]) -> None:
        """The POST of the oldest block."""
        cols = self._params.cols
        self.writer.add(
            Op.POST, begin=1, count=PIXELS, cols=cols, lo=-128, hi=127, in_w=PIXELS, in_h=1,
            out_w=PIXELS, out_h=1, dst=self.writer.room(PIXELS * cols), pitch_x=cols, **waits_,
        )  # fmt: skip
        self._open -= 1

    def settle(self) -> None:
        """The POSTs of all blocks that have none."""
        while self._open:
            self.post({})

    def window(self, count: int, **given: int) -> None:
        """A WINDOW of so many vectors."""
        cols = self._params.cols
        scale = IDENTITY if given["mode"] == WindowMode.MAX else {}
        self.writer.add(Op.WINDOW, cols=cols, nx=count, ny=1, step_x=cols, k=2, seg=2, lo=-128,
                        hi=127, dst=self.writer.room(count * cols), pitch_x=cols,
                        **scale, **given)  # fmt: skip
