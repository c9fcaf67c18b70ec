"""What the campaign's programs cannot reach on its machine, and why."""

import dataclasses
import re

from tests.coverage.counts import Toggle


@dataclasses.dataclass(frozen=True)
class Waiver:
    """Bits or branches whose signals' names match ``pattern``.

    Attributes:
        what: what they are, for the page.
        reason: why they are not reached.
        pattern: of a toggling bit "name[number] way", or of the signal that a branch decides.
        toggles: whether it is about toggles; else about branches.
    """

    what: str
    reason: str
    pattern: str
    toggles: bool = True


WAIVERS: tuple[Waiver, ...] = ()
#: Points that no program of this machine can show.
POINTS = ()
POINTS_REASON = "none."


def of(covered, place) -> Waiver | None:
    """The waiver of a branch or toggle, or None."""
    toggles = isinstance(place, Toggle)
    text = f"{place.name}[{place.bit}] {place.way}" if toggles else covered.name(place)
    return next((one for one in WAIVERS
                 if one.toggles == toggles and re.search(one.pattern, text)), None)  # fmt: skip


def of_point(name: str) -> bool:
    """Whether a point is waived."""
    return name in POINTS
