"""A block twice, side by side: as pysim runs it, and behind clock gates (accel.rtl.parts.rest)."""

import copy

from amaranth import Cat, DomainRenamer, Elaboratable, EnableInserter, Module, Mux, Signal, Value
from amaranth.hdl import Fragment, Instance
from amaranth.lib import wiring

from accel.rtl.parts.reset import ResetChain
from accel.rtl.parts.rest import CLOCK_GATE, ClockGates


def open_gates(fragment: Fragment, enables: list) -> Fragment:
    """Turn the clock gates in an elaborated design into enables, which pysim can run.

    A register behind a gate keeps its value in cycles without the gate's ``enable``, whatever else
    would change or reset it; one behind two gates, in cycles without either's.  The enables are
    added to the list.
    """
    parts = [(open_gates(part, enables), *more) for part, *more in fragment.subfragments]
    fragment.subfragments = parts
    for entry in parts:
        gate = entry[0]
        if isinstance(gate, Instance) and gate.type == CLOCK_GATE:
            parts.remove(entry)
            (enable, _), (clock, _) = gate.ports["enable"], gate.ports["clk"]
            (domain,) = fragment.domains
            fragment.domains.clear()
            enables.append(enable)
            return DomainRenamer({domain: clock.domain})(EnableInserter({domain: enable})(fragment))
    return fragment


class Twin(Elaboratable):
    """``block``, with its ports, and a gated copy that has the same inputs.

    Outputs are compared but for payloads that are not valid, and during a reset: one that is
    inserted reaches what rests a cycle late.

    Members:
        reset: of both, through a ResetChain each.
        differences: (cycle, output) of what has differed.
        rested: cycles in which a gate was shut, for each gate.
    """

    def __init__(self, block: wiring.Component):
        self.block, self.copy = block, copy.copy(block)
        self.copy.__dict__.update(block.signature.members.create())
        self.reset, self.differences, self.rested = Signal(), [], []
        self._inputs, self._unlike, self._enables = [], {}, []
        ports = [block.signature.flatten(one) for one in (block, self.copy)]
        for (path, member, one), (*_, other) in zip(*ports, strict=True):
            if member.flow is wiring.In:
                self._inputs.append(Value.cast(other).eq(Value.cast(one)))
            else:
                self._unlike[path] = Value.cast(one) != Value.cast(other)
        for path, _, signal in block.signature.flatten(block):
            payload = (*path[:-1], "payload")
            if path[-1] == "valid" and payload in self._unlike:
                self._unlike[payload] = Mux(signal, self._unlike[payload], 0)

    def elaborate(self, platform):
        m, gated = Module(), Module()
        m.d.comb += self._inputs
        ResetChain(m, self.reset).add("block", self.block)
        ResetChain(gated, self.reset).add("block", self.copy)
        m.submodules.gated = open_gates(Fragment.get(gated, ClockGates()), self._enables)
        return m

    async def watch(self, ctx):
        """Testbench: note what differs, and how long each clock rests."""
        self.rested = [0] * len(self._enables)
        unlike, cycle = Mux(self.reset, 0, Cat(self._unlike.values())), 0
        async for _, _, bits, *enables in ctx.tick().sample(unlike, *self._enables):
            self.rested = [count + 1 - on for count, on in zip(self.rested, enables, strict=True)]
            for n, path in enumerate(self._unlike) if bits else ():
                if bits >> n & 1:
                    self.differences.append((cycle, ".".join(map(str, path))))
            cycle += 1
