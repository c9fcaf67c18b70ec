"""What each field of a command may hold: a list of comparisons for each opcode.

A rule is an Amaranth expression, true where it is broken.  Those about a product of two fields are
in accel.rtl.control.products.
"""

from amaranth import Cat
from amaranth.lib import data
from amaranth.utils import exact_log2

from accel.isa import (
    ACTIVATION_ENTRIES,
    FIELDS,
    PAIRS,
    TABLE_ENTRIES,
    Op,
    Pool,
    Rounding,
    WindowMode,
)
from accel.params import POOL_OPEN, WINDOW_TILES, Params
from accel.rtl.interfaces import command_layout

OPCODE_BITS = 8
#: What a requantiser takes (its parameters in memory are nobody's to check).
SHIFT_MIN, SHIFT_MAX = -31, 30
#: The least shift of a second operand with an offset, which stays within 30 bits in front of it.
OFFSET_SHIFT_MIN = -22


def fields_of(command, op: Op) -> data.View:
    """The fields that the bits of ``command`` hold if it is an ``op``."""
    layout = command_layout(op)
    return data.View(layout, command[OPCODE_BITS : OPCODE_BITS + layout.size])


def reserved(command, op):
    """Whether a bit behind the last field of an ``op`` is set."""
    last = FIELDS[op][-1]
    return command[last.low + last.width :].any()


def _outside(address, params):
    """Whether ``address`` has bits that the machine's bus does not have."""
    return address[params.addr_bits :].any()


def _unaligned(address, params):
    return address[: exact_log2(params.bus_bytes)].any()


def _copy_rules(load, params, buffer_bytes):
    copies = load.inner != 0
    return [
        load.rows == 0,
        load.items == 0,
        ~copies & (load.fill_left == 0) & (load.fill_right == 0),
        load.dst >= buffer_bytes,
        load.dst_pitch >= buffer_bytes,
        copies & _outside(load.src, params),
    ]


def _load_rules(load, params):
    return _copy_rules(load, params, params.input_bytes)


def _wload_rules(load, params):
    return _copy_rules(load, params, params.window_bytes)


def _weights_rules(weights, params):
    return [
        weights.tiles == 0,
        _unaligned(weights.src, params),
        _outside(weights.src, params),
    ]


def _wparam_rules(weights, params):
    return [*_weights_rules(weights, params), weights.tiles > WINDOW_TILES]


def _exec_rules(exe, params):
    return [
        (exe.cols == 0) | (exe.cols > params.cols),
        exe.base >= params.input_bytes,
        (exe.nx == 0) | (exe.ny == 0),
        exe.k == 0,
        exe.seg == 0,
    ]


def _post_rules(post, params):
    sizes = (post.in_w, post.in_h, post.out_w, post.out_h)
    kernel_and_stride = (post.kh, post.kw, post.sh, post.sw)
    pooled = [
        *(size == 0 for size in kernel_and_stride),
        post.pt >= post.kh,
        post.pl >= post.kw,
        # min(out_w, ceil(kw / sw)) > POOL_OPEN, without the division.
        (post.out_w > POOL_OPEN) & (post.kw > post.sw * POOL_OPEN),
    ]
    return [
        (post.count == 0) | (post.count > params.bank_rows),
        (post.cols == 0) | (post.cols > params.cols),
        post.pool > max(Pool),
        post.lo > post.hi,
        (post.rounding > max(Rounding)) | (post.pool_rounding > max(Rounding)),
        post.begin & Cat(size == 0 for size in sizes).any(),
        _outside(post.dst, params),
        post.mark & (_unaligned(post.mark_addr, params) | _outside(post.mark_addr, params)),
        (post.pool != Pool.NONE) & Cat(*pooled).any(),
        post.near & _no_place(post, params),
    ]


def _no_place(post, params):
    """Whether a POST's image has no place in the window unit's buffer."""
    if not params.window_taps:
        return 1
    word_bits = exact_log2(params.cols)
    places = (post.dst, post.pitch_x, post.pitch_y)
    return (post.dst >= params.window_bytes) | Cat(place[:word_bits] for place in places).any()


def _table_rules(table, params):
    return [(table.entries == 0) | (table.entries > TABLE_ENTRIES)]


def _activation_rules(activation, params):
    return [activation.first[: exact_log2(ACTIVATION_ENTRIES)].any()]


def _window_rules(window, params):
    word_bits = exact_log2(params.cols)
    mac, product = window.mode == WindowMode.MAC, window.mode == WindowMode.MUL
    scales = window.mode.matches(WindowMode.ADD, WindowMode.SUB)
    multipliers = window.a_multiplier, window.b_multiplier
    shifts = window.a_shift, window.b_shift
    return [
        (window.cols == 0) | (window.cols > params.cols),
        window.base >= params.window_bytes,
        *(place[:word_bits].any() for place in (window.base, window.step_x, window.step_y)),
        (window.nx == 0) | (window.ny == 0),
        window.k == 0,
        window.seg == 0,
        window.lo > window.hi,
        window.rounding > max(Rounding),
        mac & (window.k > WINDOW_TILES * params.window_taps),
        window.mode > max(WindowMode),
        window.mode.matches(*PAIRS, WindowMode.MIN) & (window.k != 2),
        product & Cat(window.offset, *multipliers, *shifts).any(),
        ~mac & ((window.shift < SHIFT_MIN) | (window.shift > SHIFT_MAX)),
        ~mac & (window.rounding >= Rounding.FLOAT) & _no_float(window.multiplier),
        *(scales & ((shift < SHIFT_MIN) | (shift > 0)) for shift in shifts),
        scales & (window.offset != 0) & (window.b_shift < OFFSET_SHIFT_MIN),
        _outside(window.dst, params),
        window.mark & (_unaligned(window.mark_addr, params) | _outside(window.mark_addr, params)),
        window.near & ((window.dst >= params.input_bytes) | (not params.window_feeds_array)),
    ]


def _no_float(multiplier):
    """Whether this is not the multiplier of a float32 factor: 24 bits, the highest of them set."""
    return multiplier[:7].any() | (multiplier.any() & ~multiplier[30])


_RULES = {
    Op.LOAD: _load_rules,
    Op.WEIGHTS: _weights_rules,
    Op.EXEC: _exec_rules,
    Op.POST: _post_rules,
    Op.TABLE: _table_rules,
    Op.ACTIVATION: _activation_rules,
}
_WINDOW_UNIT_RULES = {
    Op.WLOAD: _wload_rules,
    Op.WPARAM: _wparam_rules,
    Op.WINDOW: _window_rules,
}


def rules(params: Params) -> dict:
    """The rules of every opcode that the machine has: fields to the rules that they break."""
    return _RULES | (_WINDOW_UNIT_RULES if params.window_taps else {})
