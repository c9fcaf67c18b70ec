"""What cannot be reached, and why: the waivers of waivers.toml."""

import collections
import dataclasses
import pathlib
import re
import tomllib

from tests.coverage.counts import Branch, Toggle

_FILE = pathlib.Path(__file__).with_name("waivers.toml")


@dataclasses.dataclass(frozen=True)
class Waiver:
    """A reason why some things cannot be reached.

    Attributes:
        kind: what they are: "branch", "toggle" or "point".
        pattern: a regular expression that describes all of each.
        reason: a fact.
    """

    kind: str
    pattern: str
    reason: str

    def covers(self, kind: str, text: str) -> bool:
        """Whether it is about a thing of this kind and description."""
        return kind == self.kind and re.fullmatch(self.pattern, text) is not None


def waivers(path: pathlib.Path = _FILE) -> list[Waiver]:
    """All of a file."""
    return [Waiver(kind, pattern, " ".join(one["reason"].split()))
            for one in tomllib.loads(path.read_text(encoding="utf-8"))["waiver"]
            for kind in ("branch", "toggle", "point")
            for pattern in one.get(kind, ())]  # fmt: skip


def description(place: Branch | Toggle, name: str, text: list[str]) -> tuple[str, str]:
    """Kind and description of a branch that decides about ``name``, or of a toggle."""
    if isinstance(place, Toggle):
        return "toggle", f"{name}[{place.bit}] {place.way}"
    return "branch", f"{name} {place.arm}: {text[place.line - 1].strip()}"


class Waived:
    """What the waivers say of a campaign.

    Parameters:
        listed: the waivers.
        things: of every branch, toggle and point its kind, its description, and how often it was
            reached.

    Attributes:
        by: for every unreached thing that is waived the first waiver of it.
        wrong: what is not right about the waivers, a line each.
    """

    def __init__(self, listed: list[Waiver], things: dict[object, tuple[str, str, int]]):
        self.by: dict[object, Waiver] = {}
        self.wrong: list[str] = []
        seen, reached = collections.Counter(), collections.Counter()
        for thing, (kind, text, count) in things.items():
            for waiver in listed:
                if waiver.covers(kind, text):
                    seen[waiver] += 1
                    reached[waiver] += count > 0
                    if not count:
                        self.by.setdefault(thing, waiver)
        for waiver in listed:
            if not seen[waiver]:
                self.wrong.append(f"nothing is a {waiver.kind} {waiver.pattern}")
            elif reached[waiver]:
                self.wrong.append(f"{reached[waiver]} of {seen[waiver]} are reached: a "
                                  f"{waiver.kind} {waiver.pattern}")  # fmt: skip
