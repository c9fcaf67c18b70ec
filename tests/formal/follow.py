"""What a queue owes its users, said once: every entry leaves, in order, as it came.

The solver picks any one entry, whenever it comes, and follows it.  A counter says how many entries
are in front of it: as many as were inside when it came, fewer with each that leaves.  When the
counter is 0 the entry is next, and what the queue then offers must be that entry.  As this holds
for *any* entry, none is lost (the next one would be offered in its place), none is doubled, none
changes, and none overtakes another.
"""

from amaranth import Module, Mux, Signal, Value
from amaranth.hdl import Assume, Cover

from tests.formal.prove import claim, free, implies


class Place:
    """An entry that is followed, wherever it is: ``position`` entries are in front of it."""

    def __init__(self, following, position, tag):
        self.following, self.position, self.tag = following, position, tag

    def behind(self, m: Module, count, name: str) -> "Place":
        """The same entry, seen from behind the first ``count`` entries."""
        there = Signal(name=f"behind_{name}")
        position = Signal(len(self.position), name=f"position_behind_{name}")
        m.d.comb += [
            there.eq(self.following & (self.position >= count)),
            position.eq((self.position - count)[: len(position)]),
        ]
        return Place(there, position, self.tag)


class Follower:
    """Follows one entry of a queue, and counts what is inside.

    Args:
        m: gets the counters and claims.
        capacity: entries the queue holds at most.
        entered, payload: strobe, an entry goes in; what it is.
        left, offered: strobe, the oldest goes out; what it is, if ``valid``.
        valid: the queue offers an entry.
        batch: entries that leave at once, the first of them lowest in ``offered``.

    Attributes:
        held: entries inside.  place: the one that is followed.
    """

    def __init__(self, m: Module, capacity, *, entered, payload, left, offered, valid, batch=1):
        payload, offered = Value.cast(payload), Value.cast(offered)
        pick, seen = free(m, 1, "pick"), Signal(name="seen")
        self.held = held = Signal(range(capacity + 2))
        ahead, following = Signal(range(capacity + 2), name="ahead"), Signal(name="following")
        tag = Signal(len(payload))
        self.place = Place(following, ahead, tag)
        goes = following & left & (ahead < batch)
        m.d.sync += held.eq(held + entered - Mux(left, batch, 0))
        with m.If(following & left):
            m.d.sync += ahead.eq(ahead - batch)
        with m.If(goes):
            m.d.sync += [following.eq(0), seen.eq(1)]
        with m.Elif(pick & entered & ~following):
            m.d.sync += [following.eq(1), ahead.eq(held - Mux(left, batch, 0))]
            m.d.sync += tag.eq(payload)
        claim(
            m,
            held <= capacity,
            implies(valid | left, held >= batch),
            implies(following, ahead < held),
            implies(following & (ahead < batch) & valid, offered.word_select(
                ahead[: max(1, (batch - 1).bit_length())] if batch > 1 else 0, len(tag)) == tag),
        )  # fmt: skip
        m.d.comb += Cover(seen & tag[0])


def stays(m: Module, valid, ready, payload, name: str, *, assume: bool = False) -> None:
    """A stream's rule: what is offered stays offered, and the same, until it is taken."""
    payload = Value.cast(payload)
    waits, before = Signal(name=f"{name}_waits"), Signal(len(payload), name=f"{name}_before")
    m.d.sync += [waits.eq(valid & ~ready), before.eq(payload)]
    kept = implies(waits, valid & (payload == before))
    if assume:
        m.d.comb += Assume(kept)
    else:
        claim(m, kept)
