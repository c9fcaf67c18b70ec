"""The page of a coverage campaign."""

import collections
import time

from accel.bench.header import header
from tests.coverage.campaign import Covered
from tests.coverage.counts import Branch, Toggle
from tests.coverage.waivers import Waived, Waiver, description, waivers

#: The largest share of all things that may be waived.
MOST_WAIVED = 0.02
_KINDS = (("branches", Branch), ("toggles", Toggle))
#: Signals of a room that the page names; the rest it counts.
_NAMED = 12


def judge(covered: Covered, listed: list[Waiver] | None = None) -> Waived:
    """What the waivers say of a campaign; without any, those of waivers.toml."""
    things = {place: (*description(place, covered.name(place), covered.text), count)
              for place, count in covered.taken.items()}  # fmt: skip
    things |= {name: ("point", name, count) for name, count in covered.functional.items()}
    return Waived(waivers() if listed is None else listed, things)


def render(covered: Covered, command: str, waived: Waived) -> str:
    """The whole page."""
    rooms = sorted({covered.room(place) for place in covered.taken})
    rows = [(room, [_share(covered, waived, kind, room) for _, kind in _KINDS]) for room in rooms]
    rows.append(("**together**", [_share(covered, waived, kind) for _, kind in _KINDS]))
    table = "".join(f"| {room} | {' | '.join(cells)} |\n" for room, cells in rows)
    seen = sum(count > 0 for count in covered.functional.values())
    points = len(covered.functional)
    at_points = sum(name in waived.by for name in covered.functional)
    return f"""# Coverage of the RTL

`{command}`, {time.strftime("%Y-%m-%d")}, {header("verilator")["machine"]["cpu"]}:
{covered.programs:,} runs, {covered.cycles:,} cycles of a 4x4 machine with window unit: programs and
hosts of the [mutation campaign](mutation.md), directed ones beside the campaign, random layers and
chains. Every program ends as on the ordinary simulator, in all bytes, registers and cycles; what
directed ones leave in memory is the interpreter's; single commands are refused if plain rules say
so. Some runs' counters begin high (the simulator adds to them): they must end as much higher, and
all else be the same.

*Branches*: arms of Amaranth's m.If, m.Switch and Mux, counted by Verilator on the Verilog of all
modules. *Toggles*: bits that synthesis does not find constant or equal to another one, once for
rising and once for falling; words of memories are not among them. *Waived*: not reached, for a
reason below. The last column is the share of what is not waived.

| room | branches | reached | waived | | toggles | reached | waived | |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
{table}
Functional points (features of a command alone and in pairs, fields at their ends and refused,
waits, queues, idle causes, error codes, memories: `tests/coverage/points.py`): {seen:,} of
{points:,} seen, {at_points} waived.

## Waived

{len(waived.by):,} of {len(covered.taken) + points:,} ({waiver_share(covered, waived):.1%}), by
`tests/coverage/waivers.toml`:

{_waivers(covered, waived)}
## Not reached

{_left(covered, waived)}"""


def waiver_share(covered: Covered, waived: Waived) -> float:
    """Of all branches, toggles and points."""
    return len(waived.by) / (len(covered.taken) + len(covered.functional))


def shares(covered: Covered, waived: Waived) -> dict[str, float]:
    """The share of what is not waived that was reached, of each kind."""
    found = {}
    for name, kind in _KINDS:
        count, reached, less = _count(covered, waived, kind)
        found[name] = reached / max(1, count - less)
    points = covered.functional
    left = [count > 0 for name, count in points.items() if name not in waived.by]
    return found | {"points": sum(left) / max(1, len(left))}


def _count(covered, waived, kind, room=None) -> tuple[int, int, int]:
    """Of the branches or toggles of a room or of all: how many, how many reached, waived."""
    places = [(place, count) for place, count in covered.taken.items()
              if isinstance(place, kind) and room in (None, covered.room(place))]  # fmt: skip
    return (len(places), sum(count > 0 for _, count in places),
            sum(place in waived.by for place, _ in places))  # fmt: skip


def _share(covered, waived, kind, room=None) -> str:
    count, reached, less = _count(covered, waived, kind, room)
    share = f"{reached / (count - less):.1%}" if count > less else "-"
    return f"{count:,} | {reached:,} | {less:,} | {share}"


def _waivers(covered, waived) -> str:
    """A line for each reason: in which rooms how much is waived."""
    reasons = collections.defaultdict(collections.Counter)
    for thing, waiver in waived.by.items():
        room = "points" if isinstance(thing, str) else covered.room(thing)
        reasons[waiver.reason][room] += 1
    lines = [f"- {sum(rooms.values())} ({_counts(rooms)}): {reason}\n"
             for reason, rooms in sorted(reasons.items(), key=lambda one: -one[1].total())]
    return "".join(lines) or "Nothing.\n"


def _counts(counted: collections.Counter) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))


def _left(covered, waived) -> str:
    left = collections.defaultdict(list)
    for place, count in covered.taken.items():
        if not count and place not in waived.by:
            left[covered.room(place)].append(place)
    lines = [f"- {name}\n" for name, count in covered.functional.items()
             if not count and name not in waived.by]  # fmt: skip
    for room, places in sorted(left.items()):
        names = collections.Counter(covered.name(place) for place in places)
        shown = ", ".join(f"`{name}` {count}" for name, count in names.most_common(_NAMED))
        more = f" and {len(names) - _NAMED} more signals" if len(names) > _NAMED else ""
        lines.append(f"- {room}: {len(places):,}: {shown}{more}\n")
    return "".join(lines) or "Nothing.\n"
