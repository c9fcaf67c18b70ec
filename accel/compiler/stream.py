"""Commands under construction: per engine in order, with their waits, not yet interleaved."""

import dataclasses

from accel.compiler import traffic
from accel.compiler.ready import POST, WINDOW, Ready
from accel.compiler.ring import Ring
from accel.compiler.rows import Target
from accel.isa import RECORD_BYTES, Op
from accel.params import Params

Fields = dict[str, int]
#: Who computes a layer: the array, or the window unit beside it.
ARRAY, BESIDE = UNITS = ("array", "window")
_READ, _WRITTEN, _BUSY = range(3)


@dataclasses.dataclass(frozen=True)
class Block:
    """The commands of one block: WEIGHTS, EXECs (with their waits), TABLEs and POST."""

    weights: Fields
    execs: list[Fields]
    posts: list[tuple[Op, Fields]]


class Stream:
    """Collects the commands of a program in the order each engine will run them.

    Attributes:
        loads, wloads, blocks, wparams, windows: the commands.
        done: POSTs and WINDOWs so far.

    Parameters:
        params: the machine.
    """

    def __init__(self, params: Params):
        self.params = params
        self.ring, self.window_ring = Ring(params.input_bytes), Ring(params.window_bytes)
        self.loads: list[Fields] = []
        self.wloads: list[Fields] = []
        self.blocks: list[Block] = []
        self.wparams: list[Fields] = []
        self.windows: list[Fields] = []
        self.done = [0, 0]
        # Whom each unit works for; and of each layer: bytes read and written, busy cycles; its
        # last command.
        self._layers = dict.fromkeys(UNITS, 0)
        self._counts_of: dict[int, list[int]] = {}
        self._now: dict[str, list[int]] = {}
        self._last: dict[int, Fields] = {}
        for unit in UNITS:
            self.works_for(unit, 0)

    @property
    def array(self) -> Target:
        """The array's input buffer."""
        return Target(self.ring, self.load, self._done)

    @property
    def beside(self) -> Target:
        """The window unit's buffer."""
        return Target(self.window_ring, self.wload, self._done)

    def works_for(self, unit: str, layer: int) -> None:
        """From now on, what is added for a unit is for that layer."""
        self._layers[unit] = layer
        self._now[unit] = self._counts_of.setdefault(layer, [0, 0, 0])

    def load(
        self, fields: Fields, length: int, ready: Ready, cols: int | None = None,
        at: int | None = None,
    ) -> int:
        """Add a LOAD into the next ``length`` buffer bytes; returns their virtual address.

        ``cols`` channels of each pixel matter; None is all.  ``at``: a reserved address to use.
        """
        address, wait = _place(self.ring, length, at)
        self.loads.append(fields | {"dst": address % self.ring.size, "wait_exec": wait})
        self._copied(ARRAY, self.loads[-1], ready, cols)
        return address

    def wload(
        self, fields: Fields, length: int, ready: Ready | None, cols: int | None = None,
        at: int | None = None,
    ) -> int:
        """The same for a WLOAD into the window unit's buffer."""
        address, wait = _place(self.window_ring, length, at)
        self.wloads.append(fields | {"dst": address % self.window_ring.size, "wait_window": wait})
        self._copied(BESIDE, self.wloads[-1], ready, cols)
        return address

    def begin(self, address: int, tiles: int) -> None:
        """Start a block whose parameters and weights lie at ``address``."""
        self.blocks.append(Block({"src": address, "tiles": tiles}, [], []))
        self._now[ARRAY][_READ] += self.params.param_bytes + tiles * self.params.tile_bytes

    def execute(self, fields: Fields, base: int, lowest: int, windows: int = 0) -> None:
        """Add an EXEC at a virtual address; it reads nothing below ``lowest``.

        ``windows``: how many WINDOWs have to be done before it.
        """
        self.ring.read(lowest)
        if windows:
            fields["wait_window"] = windows
        self._works(ARRAY, fields, self.params.rows)
        fields["base"], fields["wait_load"] = base % self.ring.size, len(self.loads)
        self.blocks[-1].execs.append(fields)

    def post(self, op: Op, fields: Fields) -> int:
        """Add a POST, TABLE or ACTIVATION to the block; returns the count that tells it is done."""
        self.blocks[-1].posts.append((op, fields))
        self.done[POST] += 1
        self._last[self._layers[ARRAY]] = fields
        if op == Op.POST and fields["begin"] and not fields.get("near"):
            bus = self.params.bus_bytes
            self._now[ARRAY][_WRITTEN] += bus * traffic.store_beats(fields, bus)
        return self.done[POST]

    def window(
        self, fields: Fields, base: int, lowest: int, record: tuple[int, int] | None = None
    ) -> int:
        """Add a WINDOW as :meth:`execute` an EXEC; returns the count that tells it is done.

        ``record``: address and tiles of a MAC's WPARAM.
        """
        bus = self.params.bus_bytes
        if record:
            address, tiles = record
            self.wparams.append({"src": address, "tiles": tiles})
            self._now[BESIDE][_READ] += traffic.record_bytes(tiles, self.params)
        self.window_ring.read(lowest)
        self._works(BESIDE, fields, self.params.window_taps)
        fields |= {"base": base % self.window_ring.size, "wait_wload": len(self.wloads)}
        self.windows.append(fields)
        self.done[WINDOW] += 1
        self._last[self._layers[BESIDE]] = fields
        if not fields.get("near"):
            image = fields | {"out_w": fields["nx"], "out_h": fields["ny"]}
            self._now[BESIDE][_WRITTEN] += bus * traffic.store_beats(image, bus)
        return self.done[WINDOW]

    def mark(self, layer: int, address: int) -> tuple[int, int, int]:
        """End a layer: its last command writes a record.

        Returns:
            Its bytes read and written, and the cycles in which its unit is busy with it.
        """
        self._last[layer].update(mark=1, mark_addr=address)
        read, written, busy = self._counts_of[layer]
        return read, written + RECORD_BYTES, busy

    def _works(self, unit: str, fields: Fields, at_once: int) -> None:
        """Count a busy cycle for every vector of ``at_once`` elements, of every pixel."""
        self._now[unit][_BUSY] += fields["nx"] * fields["ny"] * -(-fields["k"] // at_once)

    def _done(self) -> tuple[int, int]:
        return self.done[POST], self.done[WINDOW]

    def _copied(
        self, unit: str, fields: Fields, ready: Ready | None, cols: int | None
    ) -> None:
        """Let a copy wait for the writers of what it reads, and count its bytes."""
        if not fields["inner"]:
            return
        # The window unit reads C bytes of every pixel, however many matter.
        spare = 0 if cols in (None, fields["inner"]) else max(0, self.params.cols - cols)
        last = (
            fields["src"]
            + (fields["rows"] - 1) * fields.get("row_pitch", 0)
            + (fields["items"] - 1) * fields.get("item_pitch", 0)
            + fields["inner"] - spare - 1
        )  # fmt: skip
        posts, windows = ready.before(fields["src"], last, cols)
        fields["wait_post"] = int(posts)
        fields["wait_window"] = max(fields.get("wait_window", 0), int(windows))
        bus = self.params.bus_bytes
        self._now[unit][_READ] += bus * traffic.load_beats(fields, bus)


def _place(ring: Ring, length: int, at: int | None) -> tuple[int, int]:
    """Where the next ``length`` bytes of a buffer go, and the count of readers to wait for."""
    return ring.allocate(length) if at is None else (at, ring.wait(at + length))
