"""Commands under construction: per engine in order, with their waits, not yet interleaved."""

import dataclasses

import numpy as np

from accel.compiler import traffic
from accel.compiler.ring import Ring
from accel.isa import RECORD_BYTES, Op
from accel.params import Params
from accel.program import Placement

#: POSTs that may still be under way when a LOAD behind them is issued.
RECENT_POSTS = 8
#: LOADs that a block's rows are cut into at most, by the POSTs they wait for.
RECENT_CUTS = 3


@dataclasses.dataclass(frozen=True)
class Load:
    """A LOAD and what must have been done before it."""

    fields: dict[str, int]
    wait_exec: int
    wait_post: int


@dataclasses.dataclass(frozen=True)
class Block:
    """The commands of one block: WEIGHTS, EXECs (each with its LOAD count), TABLEs and POST."""

    weights: dict[str, int]
    execs: list[tuple[dict[str, int], int]]
    posts: list[tuple[Op, dict[str, int]]]


class Ready:
    """After how many POSTs each row of a tensor (all images) is in memory."""

    def __init__(self, placement: Placement):
        height, width, channels = placement.shape
        self.start, self.row_bytes = placement.address, width * channels
        self.posts = np.zeros(placement.batch * height, np.int64)

    def written(self, rows: slice, posts: int) -> None:
        """Note that a POST, the latest so far, wrote into these rows."""
        self.posts[rows] = posts

    def before(self, first: int, last: int) -> int:
        """The POST count to wait for before reading memory from ``first`` to ``last``."""
        low = (first - self.start) // self.row_bytes
        high = (last - self.start) // self.row_bytes
        return int(self.posts[low : high + 1].max())

    def together(self, starts: list[int], length: int, posts: int) -> list[int]:
        """Where to cut a list of source rows, so that early ones need not wait for late ones.

        Rows of ``length`` bytes from memory addresses ``starts`` are grouped by the POST they wait
        for, as far as it is among the latest before ``posts``; older ones are surely done.
        Returns the ends of the groups.
        """
        waits = [self.before(start, start + length - 1) for start in starts]
        # LOADs run in order, so that a row waits for whatever the rows before it wait for.
        waits = np.maximum.accumulate(waits)
        floor = max(posts - RECENT_POSTS, int(np.unique(waits)[-RECENT_CUTS:][0]))
        waits = np.maximum(waits, floor)
        return [*(int(n) + 1 for n in np.flatnonzero(np.diff(waits))), len(starts)]


class Stream:
    """Collects the commands of a program in the order each engine will run them.

    Parameters:
        params: the machine.
    """

    def __init__(self, params: Params):
        self.params = params
        self.ring = Ring(params.input_bytes)
        self.loads: list[Load] = []
        self.blocks: list[Block] = []
        self.posts = 0
        self.bytes_read = self.bytes_written = 0

    def load(self, fields: dict[str, int], length: int, ready: Ready) -> int:
        """Add a LOAD into the next ``length`` buffer bytes; returns their virtual address."""
        address, wait_exec = self.ring.allocate(length)
        wait_post = 0
        if fields["inner"]:
            end = (
                fields["src"]
                + (fields["rows"] - 1) * fields.get("row_pitch", 0)
                + (fields["items"] - 1) * fields.get("item_pitch", 0)
                + fields["inner"]
            )
            wait_post = ready.before(fields["src"], end - 1)
        fields["dst"] = address % self.params.input_bytes
        self.loads.append(Load(fields, wait_exec, wait_post))
        bus = self.params.bus_bytes
        self.bytes_read += bus * traffic.load_beats(fields, bus)
        return address

    def begin(self, address: int, tiles: int) -> None:
        """Start a block whose parameters and weights lie at ``address``."""
        self.blocks.append(Block({"src": address, "tiles": tiles}, [], []))
        self.bytes_read += self.params.param_bytes + tiles * self.params.tile_bytes

    def execute(self, fields: dict[str, int], base: int, lowest: int) -> None:
        """Add an EXEC at a virtual address; it reads nothing below ``lowest``."""
        self.ring.read(lowest)
        fields["base"] = base % self.params.input_bytes
        self.blocks[-1].execs.append((fields, len(self.loads)))

    def post(self, op: Op, fields: dict[str, int]) -> int:
        """Add a POST or TABLE to the block; returns the count that tells it is done."""
        self.blocks[-1].posts.append((op, fields))
        self.posts += 1
        if op == Op.POST and fields["begin"]:
            bus = self.params.bus_bytes
            self.bytes_written += bus * traffic.store_beats(fields, bus)
        return self.posts

    def mark(self, address: int) -> tuple[int, int]:
        """End a layer: its last POST writes a record.  Returns its bytes read and written."""
        self.blocks[-1].posts[-1][1].update(mark=1, mark_addr=address)
        done = self.bytes_read, self.bytes_written + RECORD_BYTES
        self.bytes_read = self.bytes_written = 0
        return done
