"""The page of a coverage campaign."""

import collections
import time

from accel.bench.header import header
from tests.coverage.campaign import Covered
from tests.coverage.counts import Branch, Toggle

_KINDS = (("branches", Branch), ("toggles", Toggle))
#: Signals of a room that the page names; the rest it counts.
_NAMED = 12


def render(covered: Covered, command: str) -> str:
    """The whole page."""
    rooms = sorted({covered.room(place) for place in covered.taken})
    rows = [(room, [_share(covered, kind, room) for _, kind in _KINDS]) for room in rooms]
    rows.append(("**together**", [_share(covered, kind) for _, kind in _KINDS]))
    table = "".join(f"| {room} | {' | '.join(cells)} |\n" for room, cells in rows)
    unseen = [name for name, count in covered.functional.items() if not count]
    points = len(covered.functional)
    return f"""# Coverage of the RTL

`{command}`, {time.strftime("%Y-%m-%d")}, {header("verilator")["machine"]["cpu"]}:
{covered.programs:,} programs, {covered.cycles:,} cycles of a 4x4 machine with window unit: those
of the [mutation campaign](mutation.md) and more random layers and chains. *Branches*: arms of
Amaranth's m.If, m.Switch and Mux, counted by Verilator on the Verilog of all modules. *Toggles*:
bits that synthesis does not find constant or equal to another one, once for rising and once for
falling; words of memories are not among them. Nothing is waived.

| room | branches | reached | | toggles | reached | |
|---|---:|---:|---:|---:|---:|---:|
{table}
Functional points (every choice of a command's fields, roundings by modes, waits, idle causes, error
codes, memories: `tests/coverage/points.py`): {points - len(unseen):,} of {points:,} seen.

## Not reached

{"".join(f"- {name}{chr(10)}" for name in unseen)}{_left(covered)}"""


def shares(covered: Covered) -> dict[str, float]:
    """The share that was reached, of each kind."""
    found = {}
    for name, kind in _KINDS:
        judged = _judged(covered, kind)
        found[name] = sum(judged) / len(judged)
    return found


def _judged(covered, kind, room=None) -> list[bool]:
    """Of each branch or toggle, of a room or of all, whether it was reached."""
    return [
        count > 0 for place, count in covered.taken.items()
        if isinstance(place, kind) and room in (None, covered.room(place))
    ]  # fmt: skip


def _share(covered, kind, room=None) -> str:
    judged = _judged(covered, kind, room)
    if not judged:
        return "0 | 0 | -"
    return f"{len(judged):,} | {sum(judged):,} | {sum(judged) / len(judged):.1%}"


def _left(covered) -> str:
    left = collections.defaultdict(list)
    for place, count in covered.taken.items():
        if not count:
            left[covered.room(place)].append(place)
    lines = []
    for room, places in sorted(left.items()):
        names = collections.Counter(covered.name(place) for place in places)
        shown = ", ".join(f"`{name}` {count}" for name, count in names.most_common(_NAMED))
        more = f" and {len(names) - _NAMED} more signals" if len(names) > _NAMED else ""
        lines.append(f"- {room}: {len(places):,}: {shown}{more}\n")
    return "".join(lines) or "Nothing.\n"
