"""What handlers of operators say of themselves: where what they take runs, when, and how exactly.

A handler carries its notes (:func:`runs`), so that the table of operators (reports/operators.md,
``accel operators``) is made from the very functions that take a network apart.
"""

import dataclasses
from collections.abc import Callable

#: Where an operator runs, and what that means.
PLACES = {
    "array": "on the machine: a convolution on the MAC array",
    "window": "on the machine: the window unit beside the array, or the pooling behind it",
    "table": "on the machine: one table of 256 bytes, of which the format's own runtime computes "
             "the entries; the layer before takes it along",
    "bounds": "on the machine: the clamp of the layer before; with none before, a table",
    "addresses": "on the machine: nothing is computed; it is an address or the order of a "
                 "neighbour's weights, and where no address says it, a copy",
    "border": "no layer: how the layer before ends, or the next begins; between two layers a table",
    "host": "on the host",
}  # fmt: skip
#: How exactly, and what that means.
EXACT, HALVES, STEP, OWN = "every byte", "but for halves", "one step", "the same"
EXACTNESS = {
    EXACT: "equal to the oracle, byte for byte",
    HALVES: "equal to the oracle but for results that lie, or all but lie, on the half between two "
            "steps",
    STEP: "at most one step from the oracle, given the same input; exactness.md has how often",
    OWN: "the oracle computes it itself, or an exact twin of it does",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Note:
    """What becomes of an operator.

    Attributes:
        place: one of PLACES.
        exact: one of EXACTNESS.
        when: conditions, in a few words.
        of: operators of a handler that has several; all if empty.
    """

    place: str
    exact: str
    when: str = ""
    of: tuple[str, ...] = ()

    def __post_init__(self):
        for what, value, known in (("place", self.place, PLACES), ("exact", self.exact, EXACTNESS)):
            if value not in known:
                raise ValueError(f"{what} must be one of {list(known)}, not {value!r}")

    @property
    def machine(self) -> bool:
        """Whether the machine, not the host, has it."""
        return self.place != "host"


def runs(place: str, exact: str, when: str = "", of: tuple[str, ...] = ()):
    """Decorate a handler with a note; a handler may have several, the first on top."""
    def mark(handler: Callable) -> Callable:
        handler.notes = (Note(place, exact, when, of), *getattr(handler, "notes", ()))
        return handler

    return mark


def likewise(other: Callable):
    """Decorate a handler that hands some operators on to another one with that one's notes."""
    def mark(handler: Callable) -> Callable:
        handler.notes = (*getattr(handler, "notes", ()), *other.notes)
        return handler

    return mark


def notes(handler: Callable, operator: str) -> tuple[Note, ...]:
    """A handler's notes on one of its operators: those that name it, or else those on all."""
    every = getattr(handler, "notes", ())
    named = tuple(note for note in every if operator in note.of)
    return named or tuple(note for note in every if not note.of)
