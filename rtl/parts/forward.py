"""Members of a component that a block inside it has by the same names."""

from collections.abc import Iterable

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped


def forward(
    m: Module, outer: wiring.Component, inner: wiring.Component, names: Iterable[str]
) -> None:
    """Connect members of ``outer``, inside of it, to those of ``inner`` with the same names."""
    for name in names:
        outside, inside = getattr(outer, name), getattr(inner, name)
        member = outer.signature.members[name]
        if member.is_signature:
            connect(m, flipped(outside), inside)
        elif member.flow is In:
            m.d.comb += inside.eq(outside)
        else:
            m.d.comb += outside.eq(inside)
