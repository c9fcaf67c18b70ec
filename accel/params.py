"""The one frozen description of a machine: array size, buffers, bus.

Every other module takes a :class:`Params`; nothing else configures the hardware, the compiler or
the simulators.  Latencies that both the RTL and its users rely on are named constants here, so
that the RTL can build them and tests can assert them.
"""

import dataclasses
import functools

from accel.errors import AccelError, shown

#: Command-completion counters and ``wait_*`` fields are this wide.
DONE_BITS = 24
#: Longest AXI burst in beats.  Bursts never cross an address multiple of ``MAX_BURST`` beats,
#: hence (with at most 128-byte beats) never a 4 KiB page.
MAX_BURST = 16
#: A base address is a multiple of this, the AXI page: bursts then cross none, whatever the base.
BASE_ALIGN = 4096
#: Byte planes in a parameter record: bias (4), multiplier (4), shift (1).
PARAM_PLANES = 9
#: Parameter records that can be in flight between the weight loader and post-processing.
PARAM_SLOTS = 4
#: Horizontal pooling windows that can be open at once: ceil(kw / sw) may not exceed it.
POOL_OPEN = 16
#: Entries of the average-pool reciprocal table, indexed by the element count modulo this.
POOL_TABLE = 256

#: Weight tiles (of window_taps x cols) in each of the window unit's two parameter slots.
WINDOW_TILES = 32
#: Most bytes that the window unit reads from its buffer in a cycle.
MAX_WINDOW_BYTES = 256

#: The window unit of an array of so many columns and more, and of smaller ones.
_LARGE, _LARGE_TAPS, _LARGE_BUFFER = 16, 8, 64 * 1024
_SMALL_TAPS, _SMALL_BUFFER = 4, 32 * 1024

#: Cycles from issuing a pixel address to its R bytes on the array's inputs.
IM2COL_LATENCY = 6
#: The weight swap reaches the array this long after issue: one cycle ahead of its pixel vector,
#: so that the working weights are registered when the vector arrives.
SWAP_LATENCY = IM2COL_LATENCY - 1
#: Cycles from a PE's inputs to its sum; column c's sum of a vector leaves the array
#: rows - 1 + PE_LATENCY + c cycles after the vector entered.
PE_LATENCY = 5
#: Cycles from an accumulator read request to its data.
ACC_READ_LATENCY = 2
#: Cycles from an int32 sum to its int8 result in the requantiser.
REQUANT_LATENCY = 14


class ParamError(AccelError, ValueError):
    """A machine parameter breaks a rule; the message names parameter, rule and value."""


def _is_whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_power_of_two(value) -> bool:
    return _is_whole(value) and value > 0 and value & (value - 1) == 0


@dataclasses.dataclass(frozen=True)
class Params:
    """A machine.

    Attributes:
        rows: R, the array's rows: lanes of the reduction dimension K = kh*kw*Cin.
        cols: C, the array's columns: output channels computed together.
        input_bytes: size of the im2col line buffer.
        acc_rows: accumulator rows of C int32, split into two banks of half as many pixels.
        weight_tiles: depth of the weight FIFO in R x C tiles.
        pool_entries: partial rows of the pooling unit, in pooled pixels of C channels.
        post_lanes: physical requantiser lanes; 0 means one per column.
        window_taps: T, window elements that the window unit takes a cycle; 0 builds
            none, None means 4 with fewer than 16 columns, 8 from there on (4 with 64, 2 with 128).
        window_bytes: size of the window unit's buffer; 0 means 64 KiB from 16 columns on, else 32.
        window_lanes: physical requantiser lanes of the window unit; 0 means half the columns.
        bus_bytes: width of the AXI4 data bus in bytes.
        addr_bits: width of an AXI4 byte address.
        load_beats: beats of input data that may be requested ahead of their placement.
        queue_depth: commands each engine's queue holds.
        timeout_cycles: cycles without any progress after which the machine reports an error.
        packed_products: whether the cells of two neighbouring columns share a multiplier of
            18 x 18 bits: half as many for the array, about 30 LUTs more a cell; no cycle and no
            byte changes.
        parity: whether the memories have a bit more for each byte or word that is written at a
            time, by which a flipped bit is found when the word is used: the machine then stops
            with PARITY.  No cycle and no byte changes.
        checksum: whether commands and weights are summed up where they arrive, and the machine
            ends with CHECKSUM if the sum is not the program's.  No cycle and no byte changes.

    Raises ParamError, which names parameter, rule and value.

    >>> import accel
    >>> accel.Params(rows=8, cols=8, bus_bytes=8).tile_bytes
    64
    >>> accel.Params(rows=5)
    Traceback (most recent call last):
    accel.params.ParamError: rows must be a power of two from 4 to 128, not 5
    """

    rows: int = 16
    cols: int = 16
    input_bytes: int = 128 * 1024
    acc_rows: int = 1024
    weight_tiles: int = 8
    pool_entries: int = 512
    post_lanes: int = 0
    window_taps: int | None = None
    window_bytes: int = 0
    window_lanes: int = 0
    bus_bytes: int = 16
    addr_bits: int = 32
    load_beats: int = 64
    queue_depth: int = 8
    timeout_cycles: int = 1 << 16
    packed_products: bool = False
    parity: bool = False
    checksum: bool = False

    def __post_init__(self):
        if _is_whole(self.post_lanes) and self.post_lanes == 0:
            object.__setattr__(self, "post_lanes", self.cols)
        if _is_whole(self.window_lanes) and self.window_lanes == 0 and _is_whole(self.cols):
            object.__setattr__(self, "window_lanes", max(1, self.cols // 2))
        if _is_whole(self.window_bytes) and self.window_bytes == 0 and _is_whole(self.cols):
            size = _LARGE_BUFFER if self.cols >= _LARGE else _SMALL_BUFFER
            object.__setattr__(self, "window_bytes", size)
        if not _is_whole(self.rows) or not _is_whole(self.cols):
            name = "cols" if _is_whole(self.rows) else "rows"
            raise ParamError(
                f"{name} must be a power of two from 4 to 128, not {shown(getattr(self, name))}"
            )
        limits = {
            "rows": (4, 128),
            "cols": (4, 128),
            "input_bytes": (16 * self.rows, 1 << 20),
            "acc_rows": (8, 1 << 16),
            "weight_tiles": (2, 1 << 10),
            "pool_entries": (4, 1 << 14),
            "post_lanes": (1, self.cols),
            "window_bytes": (16 * self.cols, 1 << 20),
            "window_lanes": (1, self.cols),
            "bus_bytes": (4, 128),
            "load_beats": (2 * MAX_BURST, 1 << 10),
            "queue_depth": (2, 64),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not _is_power_of_two(value) or not low <= value <= high:
                raise ParamError(
                    f"{name} must be a power of two from {low} to {high}, not {shown(value)}"
                )
        for name, (low, high) in {
            "addr_bits": (16, 32), "timeout_cycles": (64, (1 << 32) - 1)
        }.items():  # fmt: skip
            value = getattr(self, name)
            if not _is_whole(value) or not low <= value <= high:
                raise ParamError(f"{name} must be from {low} to {high}, not {shown(value)}")
        for name in ("packed_products", "parity", "checksum"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ParamError(f"{name} must be true or false, not {shown(value)}")
        if self.window_taps is None:
            most = _LARGE_TAPS if self.cols >= _LARGE else _SMALL_TAPS
            object.__setattr__(self, "window_taps", min(most, MAX_WINDOW_BYTES // self.cols))
        if not _is_whole(self.window_taps) or self.window_taps not in (0, 2, 4, 8, 16):
            raise ParamError(f"window_taps must be 0, 2, 4, 8 or 16, not {shown(self.window_taps)}")
        if self.window_taps * self.cols > MAX_WINDOW_BYTES:
            raise ParamError(
                f"window_taps * cols must be at most {MAX_WINDOW_BYTES}, not "
                f"{self.window_taps * self.cols}"
            )
        if self.window_bytes < 2 * self.window_taps * self.cols:
            raise ParamError(
                f"window_bytes must be at least 2 * window_taps * cols = "
                f"{2 * self.window_taps * self.cols}, not {self.window_bytes}"
            )
        if self.rows * self.cols % self.bus_bytes:
            raise ParamError(
                f"bus_bytes must divide rows * cols = {self.rows * self.cols}, not {self.bus_bytes}"
            )

    @functools.cached_property
    def bank_rows(self) -> int:
        """Pixels one accumulator bank holds: the largest M of a block."""
        return self.acc_rows // 2

    @functools.cached_property
    def tile_bytes(self) -> int:
        """Bytes of one weight tile."""
        return self.rows * self.cols

    @functools.cached_property
    def param_words(self) -> int:
        """C-byte words of a parameter record, rounded up to whole bus beats."""
        beats = -(-PARAM_PLANES * self.cols // self.bus_bytes)
        while beats * self.bus_bytes % self.cols:
            beats += 1
        return beats * self.bus_bytes // self.cols

    @functools.cached_property
    def param_bytes(self) -> int:
        """Bytes of a parameter record in memory."""
        return self.param_words * self.cols

    @functools.cached_property
    def window_feeds_array(self) -> bool:
        """Whether the window unit can write into the im2col buffer: a pixel fits a row of banks."""
        return self.window_taps > 0 and self.cols <= self.rows

    @functools.cached_property
    def input_rows(self) -> int:
        """Depth of each of the im2col buffer's R byte-wide banks."""
        return self.input_bytes // self.rows
