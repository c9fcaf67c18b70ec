"""Looks into a block from outside: its registers, for invariants, and its memories' words.

The block stays as it is.  A proof by induction has to say how its registers hang together, so it
must name them: by the local variables of ``elaborate`` and its helpers, which are noted when they
return.  And a memory gets one more read port, which nothing in the block sees.
"""

import sys

from amaranth import Const, Module, Signal, Value
from amaranth.hdl import Fragment
from amaranth.hdl._mem import MemoryInstance


class Inside:
    """An elaborated block: its ``component``, its local signals and its submodules."""

    def __init__(self, m: Module, fragment: Fragment, variables: dict):
        self._m, self._fragment, self._variables = m, fragment, variables
        self.component = fragment.origins[0] if fragment.origins else None

    @classmethod
    def of(cls, m: Module, name: str, component) -> "Inside":
        """Elaborate ``component`` and make it the submodule ``name`` of ``m``."""
        variables = {}

        def note(frame, event, _):
            owner = frame.f_locals.get("self") if event == "return" else None
            if hasattr(owner, "elaborate"):
                # Of variables with one name those of `elaborate` count: it returns last.
                variables.setdefault(id(owner), {}).update(frame.f_locals)

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            fragment = Fragment.get(component, None)
        finally:
            sys.setprofile(before)
        setattr(m.submodules, name, fragment)
        return cls(m, fragment, variables)

    def signal(self, name: str) -> Signal:
        """The block's local variable ``name``; perhaps a list of signals."""
        return self._variables[id(self.component)][name]

    def block(self, name: str) -> "Inside":
        """The submodule ``name``."""
        found = [child for child, own, _ in self._fragment.subfragments if own == name]
        assert len(found) == 1, f"{name}: {len(found)} submodules of that name"
        return Inside(self._m, found[0], self._variables)

    def word(self, memory: str, address, name: str) -> Signal:
        """What the block's memory of that name holds at ``address``."""
        instance = self.block(memory)._fragment
        assert isinstance(instance, MemoryInstance), f"{memory} is no memory"
        port = instance._read_ports[0]
        word, place = Signal(len(port._data), name=name), Signal(len(port._addr))
        self._m.d.comb += place.eq(Value.cast(address)[: len(place)])
        instance.read_port(domain="comb", addr=place, data=word, en=Const(1), transparent_for=())
        return word
