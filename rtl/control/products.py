"""Rules about a product of two fields: one multiplier for all, and a serial division before it."""

from amaranth import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accel.isa import Op, Pool
from accel.rtl.control.rules import OPCODE_BITS, fields_of

#: Cycles that the quotient takes.
POOL_LATENCY = 9


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


class ProductRules:
    """What the rules about a product share: ``a * b <= limit - fills``, and how to get there.

    A part of the CommandCheck: it adds to that one's module ``m``.  When its states are over,
    ``product`` is to be compared with ``allowed``.

    * LOAD: items * inner + fill_left + fill_right <= input_bytes (a row fits the buffer),
    * WLOAD: the same with window_bytes,
    * EXEC: nx * ny <= bank_rows,
    * POST with pooling: ceil(kh / sh) * out_w <= pool_entries, after a serial division.
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
