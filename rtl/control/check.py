"""Refuses malformed commands before any engine sees them."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from accel.isa import COMMAND_BITS, Error, Op
from accel.params import Params
from accel.rtl.control.products import ProductRules
from accel.rtl.control.rules import OPCODE_BITS, fields_of, reserved, rules

ERROR_BITS = bits_for(max(Error))

KIND_BITS = max(Op) + 1

#: A command, its kind (bit n for opcode n, decoded in advance) and the verdict on it:
#: ``Error.NONE``, ``ILLEGAL_OPCODE`` or ``ILLEGAL_FIELD``.
checked_layout = data.StructLayout(
    {"command": COMMAND_BITS, "kind": KIND_BITS, "error": ERROR_BITS}
)

#: Cycles from a command's acceptance to its verdict; a pooled POST takes POOL_LATENCY more.
CHECK_LATENCY = 6


def _verdict(known, legal):
    """The error of a command, of a known opcode or not, whose fields are legal or not."""
    return Mux(~known, Error.ILLEGAL_OPCODE, Mux(legal, Error.NONE, Error.ILLEGAL_FIELD))


class CommandCheck(wiring.Component):
    """Holds each command while it is checked against the rules of its opcode.

    Single-field rules (accel.rtl.control.rules) are one comparison each, all made at once.  Those
    about a product (accel.rtl.control.products) share one multiplier, a few cycles later.

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
        m.d.sync += [kind[op].eq(command[:OPCODE_BITS] == op) for op in rules(self._params)]
        bad = self._judge_fields(m, command)
        products = ProductRules(m, self._params, command)

        # The state OFFER, out of a register: the queues wait for it.
        offers = Signal()
        with m.FSM():
            with m.State("ACCEPT"):
                m.d.comb += self.commands.ready.eq(1)
                m.d.sync += command.eq(self.commands.payload)
                with m.If(self.commands.valid):
                    m.next = "RULES"
            products.add_states(m, following="JUDGE")
            with m.State("JUDGE"):
                error = self._judge(m, kind, bad, products.product <= products.allowed)
                m.d.sync += offers.eq(1)
                m.next = "OFFER"
            with m.State("OFFER"), m.If(self.checked.ready):
                m.d.sync += offers.eq(0)
                m.next = "ACCEPT"

        m.d.comb += [
            self.checked.valid.eq(offers),
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
        for op, broken_by in rules(self._params).items():
            broken = Cat(*broken_by(fields_of(command, op), self._params), reserved(command, op))
            flags = Signal(len(broken), reset_less=True, name=f"{op.name.lower()}_flags")
            m.d.sync += [flags.eq(broken), bad[op].eq(flags.any())]
        return bad

    def _judge(self, m, kind, bad, fitting):
        """Register how a command stands to the rules; returns the error that follows from it."""
        known, sound, fits = (Signal(reset_less=True, name=n) for n in ("known", "sound", "fits"))
        m.d.sync += [known.eq(kind.any()), sound.eq(~(kind & bad).any()), fits.eq(fitting)]
        return _verdict(known, sound & fits)
