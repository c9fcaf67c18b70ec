"""Refuses malformed commands before any engine sees them."""

from amaranth import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from accel.isa import (
    ACTIVATION_ENTRIES,
    COMMAND_BITS,
    FIELDS,
    TABLE_ENTRIES,
    Error,
    Op,
    Pool,
    Rounding,
    WindowMode,
)
from accel.params import POOL_OPEN, WINDOW_TILES, Params
from accel.rtl.interfaces import command_layout

OPCODE_BITS = 8
ERROR_BITS = bits_for(max(Error))

KIND_BITS = max(Op) + 1

#: A command, its kind (bit n for opcode n, decoded in advance) and the verdict on it:
#: ``Error.NONE``, ``ILLEGAL_OPCODE`` or ``ILLEGAL_FIELD``.
checked_layout = data.StructLayout(
    {"command": COMMAND_BITS, "kind": KIND_BITS, "error": ERROR_BITS}
)

#: Cycles from a command's acceptance to its verdict, and how many more a pooled POST takes.
CHECK_LATENCY = 6
POOL_LATENCY = 9


def fields_of(command, op: Op) -> data.View:
    """The fields that the bits of ``command`` hold if it is an ``op``."""
    layout = command_layout(op)
    return data.View(layout, command[OPCODE_BITS : OPCODE_BITS + layout.size])


def _reserved(command, op):
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
        post.begin & Cat(size == 0 for size in sizes).any(),
        _outside(post.dst, params),
        post.mark & (_unaligned(post.mark_addr, params) | _outside(post.mark_addr, params)),
        (post.pool != Pool.NONE) & Cat(*pooled).any(),
    ]


def _table_rules(table, params):
    return [(table.entries == 0) | (table.entries > TABLE_ENTRIES)]


def _activation_rules(activation, params):
    return [activation.first[: exact_log2(ACTIVATION_ENTRIES)].any()]


def _window_rules(window, params):
    word_bits = exact_log2(params.cols)
    mac, add = window.mode == WindowMode.MAC, window.mode == WindowMode.ADD
    scale = (window.multiplier, window.shift)
    operands = ((window.a_multiplier, window.a_shift), (window.b_multiplier, window.b_shift))
    return [
        (window.cols == 0) | (window.cols > params.cols),
        window.base >= params.window_bytes,
        *(place[:word_bits].any() for place in (window.base, window.step_x, window.step_y)),
        (window.nx == 0) | (window.ny == 0),
        window.k == 0,
        window.seg == 0,
        window.lo > window.hi,
        mac & (window.k > WINDOW_TILES * params.window_taps),
        add & (window.k != 2),
        ~mac & _no_scale(*scale),
        ~mac & (window.rounding == Rounding.FLOAT) & _no_float(window.multiplier),
        *(add & (_no_scale(*operand) | (operand[1] > 0)) for operand in operands),
        _outside(window.dst, params),
        window.mark & (_unaligned(window.mark_addr, params) | _outside(window.mark_addr, params)),
    ]


def _no_scale(multiplier, shift):
    """Whether a requantiser cannot take this (its parameters in memory are nobody's to check)."""
    return multiplier[-1] | (shift < -31) | (shift > 30)


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


def _rules(params):
    """The rules of every opcode that the machine has."""
    return _RULES | (_WINDOW_UNIT_RULES if params.window_taps else {})


class CeilDivide(wiring.Component):
    """ceil(dividend / divisor), one quotient bit a cycle.

    ``start`` takes the operands; ``done`` is high from POOL_LATENCY cycles later, and
    ``quotient`` holds until the next start.  A divisor
    of 0 gives a meaningless quotient.
    """

    start: In(1)
    dividend: In(8)
    divisor: In(8)
    done: Out(1)
    quotient: Out(9)

    def elaborate(self, platform):
        m = Module()
        steps = len(self.dividend)
        left = Signal(range(steps + 1))
        divisor = Signal.like(self.divisor)
        # The dividend leaves `bits` at the top while quotient bits enter at the bottom.
        bits = Signal.like(self.dividend)
        rest = Signal.like(self.divisor)
        trial = Signal(len(rest) + 1)
        fits = Signal()
        m.d.comb += [
            trial.eq(Cat(bits[-1], rest)),
            fits.eq(trial >= divisor),
            self.done.eq(left == 0),
            self.quotient.eq(bits + rest.any()),
        ]
        with m.If(self.start):
            m.d.sync += [
                left.eq(steps),
                divisor.eq(self.divisor),
                bits.eq(self.dividend),
                rest.eq(0),
            ]
        with m.Elif(left != 0):
            m.d.sync += [
                left.eq(left - 1),
                bits.eq(Cat(fits, bits[:-1])),
                rest.eq(Mux(fits, trial - divisor, trial)[: len(rest)]),
            ]
        return m


class _ProductRules:
    """What the rules about a product share: ``a * b <= limit - fills``, and how to get there.

    A part of the CommandCheck: it adds to that one's module ``m``.  When its states are over,
    ``product`` is to be compared with ``allowed``.
    """

    def __init__(self, m, params, command):
        self._params, self._command = params, command
        load = fields_of(command, Op.LOAD)
        self._a = Signal.like(load.inner, reset_less=True, name="a")
        self._b = Signal.like(load.items, reset_less=True, name="b")
        self._fills = Signal(len(load.fill_left) + 1, reset_less=True, name="fills")
        limits = (params.input_bytes, params.window_bytes, params.acc_rows, params.pool_entries)
        self._limit = Signal(range(max(limits) + 1), name="limit")
        signed_bits = max(len(self._fills), len(self._limit)) + 1
        self.allowed = Signal(signed(signed_bits), reset_less=True, name="allowed")
        self.product = Signal(len(self._a) + len(self._b), reset_less=True, name="product")
        self._divide, self._pooled = self._add_divider(m)
        self._multiplied = self._multiply(m)

    def add_states(self, m, following):
        """The states from RULES on, up to the one of which ``following`` is the name."""
        with m.State("RULES"):
            self._choose(m)
            m.d.comb += self._divide.start.eq(self._pooled)
            with m.If(self._pooled):
                m.next = "DIVIDE"
            with m.Else():
                m.next = "COPY"
        with m.State("DIVIDE"):
            m.d.sync += self._a.eq(self._divide.quotient)
            with m.If(self._divide.done):
                m.next = "COPY"
        with m.State("COPY"):
            m.d.sync += self.allowed.eq(self._limit - self._fills)
            m.next = "MULTIPLY"
        with m.State("MULTIPLY"):
            m.next = "ADD"
        with m.State("ADD"):
            m.d.sync += self.product.eq(self._multiplied)
            m.next = following

    def _choose(self, m):
        """Register the factors of an opcode's product rule, what is added to it, and its limit."""
        params, opcode = self._params, self._command[:OPCODE_BITS]
        a, b, fills, limit = self._a, self._b, self._fills, self._limit
        load, exe, post = (fields_of(self._command, op) for op in (Op.LOAD, Op.EXEC, Op.POST))
        m.d.sync += [a.eq(0), b.eq(0), fills.eq(0), limit.eq(params.input_bytes)]
        with m.Switch(opcode):
            with m.Case(Op.LOAD, Op.WLOAD):  # their fields lie in the same places
                m.d.sync += [a.eq(load.inner), b.eq(load.items)]
                m.d.sync += fills.eq(load.fill_left + load.fill_right)
                with m.If(opcode == Op.WLOAD):
                    m.d.sync += limit.eq(params.window_bytes)
            with m.Case(Op.EXEC):
                m.d.sync += [a.eq(exe.nx), b.eq(exe.ny), limit.eq(params.bank_rows)]
            with m.Case(Op.POST):
                m.d.sync += [b.eq(post.out_w), limit.eq(params.pool_entries)]

    def _add_divider(self, m):
        """A divider for ceil(kh / sh) of a POST; returns it, and whether a pooled one is here."""
        post, pooled = fields_of(self._command, Op.POST), Signal()
        m.d.comb += pooled.eq((self._command[:OPCODE_BITS] == Op.POST) & (post.pool != Pool.NONE))
        m.submodules.divide = divide = CeilDivide()
        m.d.comb += [divide.dividend.eq(post.kh), divide.divisor.eq(post.sh)]
        return divide, pooled

    def _multiply(self, m):
        """The product of 20 x 16 bits, as two half products: each fits one hardware multiplier."""
        a, b = self._a, self._b
        half = len(a) // 2
        # Multipliers lie far from all the rest: these registers have nothing else to do.
        left, right = Signal.like(a, reset_less=True), Signal.like(b, reset_less=True)
        m.d.sync += [left.eq(a), right.eq(b)]
        products = [Signal(half + len(b), reset_less=True, name=f"product{n}") for n in range(2)]
        m.d.sync += [products[0].eq(left[:half] * right), products[1].eq(left[half:] * right)]
        return products[0] + Cat(C(0, half), products[1])


def _verdict(known, legal):
    """The error of a command, of a known opcode or not, whose fields are legal or not."""
    return Mux(~known, Error.ILLEGAL_OPCODE, Mux(legal, Error.NONE, Error.ILLEGAL_FIELD))


class CommandCheck(wiring.Component):
    """Holds each command while it is checked against the rules of its opcode.

    Single-field rules are one comparison each, all made at once.  Three rules are about a product,
    and share one multiplier:

    * LOAD: items * inner + fill_left + fill_right <= input_bytes (a row fits the buffer),
    * WLOAD: the same with window_bytes,
    * EXEC: nx * ny <= bank_rows,
    * POST with pooling: ceil(kh / sh) * out_w <= pool_entries, after a serial division.

    All rules are exact; none is merely sufficient.  A machine without a window unit does not know
    the window unit's opcodes.

    Parameters:
        params: the machine.

    Members:
        commands: 64-byte commands as they lie in memory.
        checked: each with its verdict, in order.

    Timing: a verdict comes CHECK_LATENCY cycles after its command was taken (POOL_LATENCY more for
    a pooled POST); the next command is taken after the verdict was.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "commands": In(stream.Signature(COMMAND_BITS)),
                "checked": Out(stream.Signature(checked_layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        command = Signal(COMMAND_BITS, reset_less=True)
        kind = Signal(KIND_BITS, reset_less=True)
        m.d.sync += [kind[op].eq(command[:OPCODE_BITS] == op) for op in _rules(self._params)]
        bad = self._judge_fields(m, command)
        products = _ProductRules(m, self._params, command)

        with m.FSM() as fsm:
            with m.State("ACCEPT"):
                m.d.comb += self.commands.ready.eq(1)
                m.d.sync += command.eq(self.commands.payload)
                with m.If(self.commands.valid):
                    m.next = "RULES"
            products.add_states(m, following="JUDGE")
            with m.State("JUDGE"):
                error = self._judge(m, kind, bad, products.product <= products.allowed)
                m.next = "OFFER"
            with m.State("OFFER"), m.If(self.checked.ready):
                m.next = "ACCEPT"

        m.d.comb += [
            self.checked.valid.eq(fsm.ongoing("OFFER")),
            self.checked.p.command.eq(command),
            self.checked.p.kind.eq(kind),
            self.checked.p.error.eq(error),
        ]
        return m

    def _judge_fields(self, m, command):
        """The opcodes whose single-field rules a command breaks, two cycles later.

        Every opcode's rules are judged, in two stages that run all the time; the kind selects.
        """
        bad = Signal(KIND_BITS, reset_less=True)
        for op, rules in _rules(self._params).items():
            broken = Cat(*rules(fields_of(command, op), self._params), _reserved(command, op))
            flags = Signal(len(broken), reset_less=True, name=f"{op.name.lower()}_flags")
            m.d.sync += [flags.eq(broken), bad[op].eq(flags.any())]
        return bad

    def _judge(self, m, kind, bad, fitting):
        """Register how a command stands to the rules; returns the error that follows from it."""
        known, sound, fits = (Signal(reset_less=True, name=n) for n in ("known", "sound", "fits"))
        m.d.sync += [known.eq(kind.any()), sound.eq(~(kind & bad).any()), fits.eq(fitting)]
        return _verdict(known, sound & fits)
