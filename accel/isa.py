"""The instruction set: fixed 64-byte commands, packed and unpacked with range checks.

A program is an array of commands in memory.  The machine fetches them in order and hands each to
its engine's queue; engines run in order within themselves and beside each other.  Every
completed command adds one to its engine's *done* counter, and a command starts only when
``done_x >= wait_x`` for each of its ``wait_*`` fields: absolute counts since the program's start,
so 0 waits for nothing.

A program must list each command after everything it waits for, also without a field: an EXEC after
its WEIGHTS, a POST after its EXEC, a WINDOW after its WPARAM, each after the command that frees the
bank or the slot of parameters that it takes; and WEIGHTS behind all EXECs of the block before the
last.  Then the earliest unfinished command can proceed, or it is one of WEIGHTS that the next EXEC
makes room for, and that can: no program of that form can deadlock, however short the queues.  The
whole argument is in accel/compiler/schedule.py; tests/support/listing.py checks the form.

So it is for results that stay on the chip.  A POST with ``near`` waits for the WINDOWs that read
what it overwrites.  Meanwhile it holds a bank and a parameter slot, which only later blocks ask
for; and once started, nothing holds it up: its vectors have the buffer's port whenever they come, a
WLOAD makes its step a cycle later.  It completes behind the POSTs before it, like any other.
Likewise the other way: a WINDOW with ``near`` waits for the EXECs that read what it overwrites, an
EXEC for the WINDOWs that write what it reads.  Both are listed behind what they wait for.  Such a
WINDOW's vectors have the im2col buffer's port whenever they come, a LOAD makes its step later; what
it holds meanwhile, a slot of parameters, only later WINDOWs ask for.
"""

import enum

from accel.errors import AccelError
from accel.params import DONE_BITS

COMMAND_BYTES = 64
COMMAND_BITS = 8 * COMMAND_BYTES
#: Reciprocal-table entries that one TABLE command writes at most.
TABLE_ENTRIES = 8
#: Activation-table entries that one ACTIVATION command writes.
ACTIVATION_ENTRIES = 32
#: A layer-completion record in memory: this many little-endian 32-bit words.
RECORD_WORDS = 16
RECORD_BYTES = 4 * RECORD_WORDS


class Op(enum.IntEnum):
    """Opcodes.

    LOAD, WEIGHTS and EXEC have an engine each; POST, TABLE and ACTIVATION share one.  WLOAD, WPARAM
    and WINDOW belong to the window unit, beside the array.
    """

    LOAD = 1
    WEIGHTS = 2
    EXEC = 3
    POST = 4
    TABLE = 5
    WLOAD = 6
    WPARAM = 7
    WINDOW = 8
    ACTIVATION = 9


class Rounding(enum.IntEnum):
    """How a requantisation rounds (see accel/quant.py)."""

    DOUBLE = 0
    SINGLE = 1
    AWAY = 2
    FLOAT = 3
    FLOAT_ODD = 4


#: The roundings that multiply float32.
FLOATS = (Rounding.FLOAT, Rounding.FLOAT_ODD)


class WindowMode(enum.IntEnum):
    """What a WINDOW command makes of the elements x of a window."""

    MAC = 0  # sum of weight * x, plus bias: depthwise convolution
    SUM = 1  # sum of (x - a_zero): average pooling
    MAX = 2  # maximum: max pooling
    ADD = 3  # two elements, each scaled: element-wise addition
    MUL = 4  # the product of two elements' (x - zero): element-wise multiplication
    SUB = 5  # two elements, each scaled, the first less the second: element-wise subtraction
    MIN = 6  # minimum of two elements


#: The modes whose windows are an element of each of two operands, a and b.
PAIRS = (WindowMode.ADD, WindowMode.MUL, WindowMode.SUB)


class Pool(enum.IntEnum):
    """What the pooling unit does with requantised pixels."""

    NONE = 0
    MAX = 1
    AVERAGE = 2


class Error(enum.IntEnum):
    """Sticky error codes of the STATUS register."""

    NONE = 0
    ILLEGAL_OPCODE = 1
    ILLEGAL_FIELD = 2
    AXI_READ = 3
    AXI_WRITE = 4
    TIMEOUT = 5
    DEADLOCK = 6
    UNALIGNED_PROGRAM = 7
    ABORTED = 8
    BUDGET = 9
    PARITY = 10
    CHECKSUM = 11


class Field:
    """A bit field of a command: ``low`` is its first bit, ``signed`` two's complement."""

    def __init__(self, name: str, low: int, width: int, signed: bool = False):
        self.name, self.low, self.width, self.signed = name, low, width, signed

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value the field can hold."""
        if self.signed:
            return -(1 << self.width - 1), (1 << self.width - 1) - 1
        return 0, (1 << self.width) - 1


def _layout(waits, *fields) -> tuple[Field, ...]:
    """Place fields behind the header; a negative width means signed."""
    header = (("opcode", 8), *((f"wait_{engine}", DONE_BITS) for engine in waits))
    placed, low = [], 0
    for name, width in (*header, *fields):
        placed.append(Field(name, low, abs(width), signed=width < 0))
        low += abs(width)
    assert low <= COMMAND_BITS, f"{low} bits do not fit a command"
    return tuple(placed)


#: Which engines' done counts a command may wait for.
_ARRAY_WAITS = ("load", "exec", "post")
_EXEC_WAITS = ("load", "window", "post")
_POST_WAITS = ("window", "exec", "post")
_LOAD_WAITS = ("exec", "post", "window")
_WINDOW_WAITS = ("wload", "post", "exec")

#: A LOAD or WLOAD.
_COPY = (
    ("src", 32), ("dst", 20), ("inner", 20), ("items", 16), ("item_pitch", 32),
    ("rows", 16), ("row_pitch", 32), ("dst_pitch", 20),
    ("fill_left", 20), ("fill_right", 20), ("fill_value", -8),
)  # fmt: skip

#: The fields of every command, by opcode; the bits behind them must be zero.
FIELDS: dict[Op, tuple[Field, ...]] = {
    # Copy `rows` rows from memory into the im2col buffer.  A row is `fill_left` bytes of
    # `fill_value`, `items` pieces of `inner` bytes (`item_pitch` apart in memory, adjacent in
    # the buffer), `fill_right` bytes of `fill_value`.  Buffer addresses wrap at its size.
    Op.LOAD: _layout(_LOAD_WAITS, *_COPY),
    # Stream one parameter record and `tiles` weight tiles from memory (bus-aligned).
    Op.WEIGHTS: _layout(_ARRAY_WAITS, ("src", 32), ("tiles", 20)),
    # Multiply nx*ny pixels with ceil(k/R) weight tiles.  Pixel (x, y) of reduction index i is
    # the byte at base + x*step_x + y*step_y + i + (i // seg)*seg_skip*R.  `first` starts a
    # block from the bias in a fresh accumulator bank; `last` hands that bank to POST.
    Op.EXEC: _layout(
        _EXEC_WAITS,
        ("first", 1), ("last", 1), ("cols", 8), ("base", 20), ("nx", 16), ("ny", 16),
        ("step_x", 20), ("step_y", 20), ("k", 20), ("seg", 20), ("seg_skip", 16),
    ),
    # Requantise, pool and store the `count` pixels of the oldest full accumulator bank.
    # `begin` starts a new image (all fields below `cols`); otherwise the image continues, and
    # those fields must repeat its values.  `activate` sends every requantised value through the
    # activation table.  Pixels come in raster order of an in_h x in_w image; the
    # stored image is out_h x out_w.  `mark` then writes the counters to `mark_addr`.
    # With `near` the image goes to the window unit's buffer, each pixel into a word of C bytes;
    # addresses there wrap at its size, and `dst` and both pitches are multiples of C.
    Op.POST: _layout(
        _POST_WAITS,
        ("begin", 1), ("mark", 1), ("count", 16), ("cols", 8),
        ("rounding", 3), ("out_zero", -8), ("lo", -8), ("hi", -8),
        ("pool", 2), ("pool_rounding", 3), ("pool_in_zero", -8), ("pool_out_zero", -8),
        ("kh", 8), ("kw", 8), ("sh", 8), ("sw", 8), ("pt", 8), ("pl", 8),
        ("in_w", 16), ("in_h", 16), ("out_w", 16), ("out_h", 16),
        ("dst", 32), ("pitch_x", 20), ("pitch_y", 32), ("mark_addr", 32),
        ("activate", 1), ("near", 1),
    ),
    # Write `entries` entries of the average-pool table.
    Op.TABLE: _layout(
        _POST_WAITS,
        ("entries", 4),
        *(
            field
            for n in range(TABLE_ENTRIES)
            for field in ((f"index{n}", 8), (f"multiplier{n}", 32), (f"shift{n}", -8))
        ),
    ),
    # Write ACTIVATION_ENTRIES entries of the activation table, from number `first` on (a multiple
    # of ACTIVATION_ENTRIES).  Entry n is what n - 128 becomes.
    Op.ACTIVATION: _layout(
        _POST_WAITS,
        ("first", 8),
        *((f"value{n}", -8) for n in range(ACTIVATION_ENTRIES)),
    ),
    # The same as LOAD, into the window unit's buffer, by words of C bytes: fills are whole ones.
    Op.WLOAD: _layout(_LOAD_WAITS, *_COPY),
    # Stream one parameter record and `tiles` tiles of window_taps x cols weights from memory
    # (bus-aligned), for the next MAC.
    Op.WPARAM: _layout(_ARRAY_WAITS, ("src", 32), ("tiles", 20)),
    # Compute and store nx*ny vectors of `cols` channels, in raster order.  Vector (x, y)'s element
    # i of k is the C-byte word at base + x*step_x + y*step_y + i*C + (i // seg)*seg_skip*T*C, with
    # C array columns and T = window_taps; all addresses of the buffer are multiples of C.
    # MAC requantises with the parameters of its WPARAM record, the others with `multiplier` (with
    # FLOAT and FLOAT_ODD 0 or from 2**30, its low 7 bits 0) and `shift` (from -31 to 30).  ADD and
    # SUB have k = 2, operands a and b: t_n = double rounding of
    # (x_n - n_zero) * 2**20 * n_multiplier * 2**(n_shift - 31), with n_shift <= 0, and to t_b
    # `offset` is added (only with b_shift >= -22).  MUL has k = 2, too, and no offset, multipliers
    # or shifts of its operands: they are 0.  MIN has k = 2, too.
    # `mark` then writes the counters to `mark_addr`.
    # With `near` the vectors go to the im2col buffer, `cols` bytes from any address on; addresses
    # there wrap at its size.  That takes an array with at least as many rows as columns.
    Op.WINDOW: _layout(
        _WINDOW_WAITS,
        ("mode", 3), ("mark", 1), ("cols", 8), ("base", 20), ("nx", 16), ("ny", 16),
        ("step_x", 20), ("step_y", 20), ("k", 16), ("seg", 16), ("seg_skip", 16),
        ("rounding", 3), ("out_zero", -8), ("lo", -8), ("hi", -8),
        ("multiplier", 31), ("shift", -6),
        ("a_zero", -8), ("a_multiplier", 31), ("a_shift", -6),
        ("b_zero", -8), ("b_multiplier", 31), ("b_shift", -6), ("offset", -8),
        ("dst", 32), ("pitch_x", 20), ("pitch_y", 32), ("mark_addr", 32), ("near", 1),
    ),
}  # fmt: skip


class EncodingError(AccelError, ValueError):
    """A command field is missing, unknown or out of range."""


def pack(op: Op, **values: int) -> bytes:
    """Encode one command; omitted fields are 0.

    Raises:
        EncodingError: naming command, field, allowed range and value.
    """
    fields = {field.name: field for field in FIELDS[op]}
    unknown = values.keys() - fields.keys()
    if unknown or "opcode" in values:
        raise EncodingError(f"{op.name} has no field {sorted(unknown) or ['opcode']}")
    word = int(op)
    for name, value in values.items():
        field = fields[name]
        low, high = field.range
        if not low <= value <= high:
            raise EncodingError(f"{op.name}.{name} must be from {low} to {high}, not {value}")
        word |= (int(value) & (1 << field.width) - 1) << field.low
    return word.to_bytes(COMMAND_BYTES, "little")


def unpack(command: bytes) -> tuple[Op, dict[str, int]]:
    """Decode one command into its opcode and fields (without ``opcode``).

    Raises:
        EncodingError: for a wrong length, an unknown opcode or a set reserved bit.
    """
    if len(command) != COMMAND_BYTES:
        raise EncodingError(f"a command has {COMMAND_BYTES} bytes, not {len(command)}")
    word = int.from_bytes(command, "little")
    try:
        op = Op(word & 0xFF)
    except ValueError:
        raise EncodingError(f"unknown opcode {word & 0xFF}") from None
    values = {}
    for field in FIELDS[op]:
        value = word >> field.low & (1 << field.width) - 1
        if field.signed and value >> field.width - 1:
            value -= 1 << field.width
        values[field.name] = value
    last = FIELDS[op][-1]
    if word >> last.low + last.width:
        raise EncodingError(f"{op.name}: reserved bits are set")
    del values["opcode"]
    return op, values


#: Word numbers of a layer-completion record, and (times 4) of the registers from COUNTERS on.
RECORD = {name: number for number, name in enumerate((
    "cycles", "busy", "macs_low", "macs_high", "fill", "weight", "memory", "post", "sync",
    "read_beats", "write_beats", "done_load", "done_exec", "done_post", "done_window", "window_busy"
))}  # fmt: skip
