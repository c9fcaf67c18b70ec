"""The page of a campaign."""

import time

from accel.bench.header import header
from tests.software_mutation.campaign import Judged, by_room


def table(judged: list[Judged]) -> str:
    """Room by room: mutants, killed, equivalent, survived, and the share that was killed."""
    rows = [*by_room(judged).items(), ("**together**", judged)]
    lines = [
        f"| {room} | {len(members):,} | {_killed(members):,} | {_equivalent(members):,} | "
        f"{len(_left(members)):,} | {_share(members):.1%} |\n" for room, members in rows
    ]
    head = "| room | mutants | killed | equivalent | lived | killed of what is not equivalent |\n"
    return head + "|---|---:|---:|---:|---:|---:|\n" + "".join(lines)


def render(judged: list[Judged], left: int, tests: int, enough: float, command: str) -> str:
    """The whole page; ``left``: mutants that were drawn and not tried yet."""
    late = sum(one.said == "out of time" for one in judged)
    importing = sum("importing" in one.said or one.said.startswith("no Python") for one in judged)
    return f"""# Mutants of the software

`{command}`, {time.strftime("%Y-%m-%d")}, {header()["machine"]["cpu"]}:
{_count(judged, left)} changes by
Cosmic Ray (another operator, a number one larger or smaller, a condition negated, a loop that never
runs, an exception not caught, a decorator gone), each at a place drawn at random of compiler,
importers, golden model and graph. Each is tried alone against those of {tests:,} quick tests
that run its line (measured with coverage.py), quick and different ones first, until one fails; at
most those that take {enough:g} seconds together, so that some that lived would be noticed by a
longer test. Annotations, and decorators that only make a function faster, were not changed. {late}
ended because the tests did not end, {importing} because Python could not import what was left; such
count as killed.

{table(judged)}
## Lived

What no test notices, and is not known to be equivalent.

{_list(_left(judged)) or "None."}
## Equivalent

No input shows a difference in what the software promises; `tests/software_mutation/verdicts.toml`
has the reasons.

{_list([one for one in judged if not one.killed and one.why]) or "None."}"""


def _count(judged: list[Judged], left: int) -> str:
    if not left:
        return f"{len(judged):,}"
    return f"{len(judged):,} (the first of {len(judged) + left:,}; the same command goes on)"


def _killed(members: list[Judged]) -> int:
    return sum(one.killed for one in members)


def _equivalent(members: list[Judged]) -> int:
    return sum(not one.killed and one.why is not None for one in members)


def _left(members: list[Judged]) -> list[Judged]:
    return [one for one in members if not one.killed and one.why is None]


def _share(members: list[Judged]) -> float:
    return _killed(members) / max(len(members) - _equivalent(members), 1)


def _list(members: list[Judged]) -> str:
    return "".join(
        f"- {one.source}:{one.line}: `{one.before}` becomes `{one.after}`: {one.why or one.said}\n"
        for one in members
    )
