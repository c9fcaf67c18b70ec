"""An addition behind a chain, whose blocks come between the chain's windows.

The window unit runs its commands in order, and the addition needs the chain's result: behind the
chain it would have the bus to itself, and the array would wait.  So its blocks come as soon as
their rows are there, in that part of the window unit's buffer that the chain's rows will take a
while later:

    buffer  | rows that windows read | the next block's rows | both operands |      ...
            lowest                   head                    head + ahead

What lies there is no longer needed; the rows that come there later wait for the addition, as they
do for all who read what they replace.  Where there is no room, the addition comes behind.
"""

from accel.compiler.add_lower import Addition
from accel.compiler.stream import BESIDE, Stream
from accel.compiler.window_tile import add_pixels
from accel.isa import COMMAND_BYTES

#: Operands of a block take this part of the buffer, and so many blocks may be under way.
_PART, _BLOCKS = 8, 2
#: Commands of a block, and rough cycles that it takes beside them and its bytes.
_COMMANDS, _OVERHEAD = 3, 32


class Tail:
    """The addition, block by block.

    Parameters:
        addition: has one image.
        numbers: of the layer whose windows it comes between, and its own.
        stream: receives the commands.
    """

    def __init__(self, addition: Addition, numbers: tuple[int, int], stream: Stream):
        self.addition, self.numbers, self.stream = addition, numbers, stream
        params = stream.params
        size = params.window_bytes // _PART // (2 * params.cols) - params.window_taps
        self.blocks = addition.blocks(max(1, size))
        self.length = 2 * addition.words(max(1, size)) * params.cols
        self._place = 0

    @property
    def pays(self) -> bool:
        """Whether so many small blocks take no longer than the array would wait for large ones."""
        addition, bus = self.addition, self.stream.params.bus_bytes
        alone = addition.blocks(add_pixels(addition.pixels, self.stream.params))
        more = (len(self.blocks) - len(alone)) * (_COMMANDS * COMMAND_BYTES / bus + _OVERHEAD)
        return more <= 3 * addition.pixels * addition.channels / bus

    def some(self, rows: int, lowest: int, ahead: int) -> None:
        """Add what there is room for.

        Parameters:
            rows: of its operands that are listed.
            lowest: where the rows begin that windows will still read.
            ahead: bytes of the chain's next block.
        """
        ring = self.stream.window_ring
        space = lowest + ring.size - ring.head
        blocks = min(_BLOCKS, (space - ahead) // self.length)
        if blocks < 1:
            ahead, blocks = max(0, space - self.length), int(space >= self.length)
        while blocks and self.blocks and self.addition.rows(self.blocks[0]) <= rows:
            self._place = (self._place + 1) % blocks
            self._add(ring.head + ahead + self._place * self.length)

    def rest(self) -> None:
        """Add all that is left."""
        while self.blocks:
            self._add(None)

    def _add(self, at: int | None) -> None:
        self.stream.works_for(BESIDE, self.numbers[1])
        self.addition.block(*self.blocks.pop(0), at)
        self.stream.works_for(BESIDE, self.numbers[0])
