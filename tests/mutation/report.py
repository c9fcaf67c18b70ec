"""The page of a mutation campaign."""

import collections
import pathlib
import re
import time
import tomllib

from accel.bench.header import header
from tests.faults.elements import OTHERS, room_of
from tests.mutation.campaign import Judge, Judged, kind_of
from tests.mutation.netlist import Mutant

#: Rooms by the files that cells without a name of their own come from; the first that fits.
_FILES = {
    "window unit": "window/", "post-processing": "(post|pool)/", "weights": "array/weights",
    "accumulators": "array/accumulator", "array": "array/",
    "array control": "im2col/(exec|offsets)",
    "loads": "im2col/(load|place|walker)|memory/read", "im2col": "im2col/",
    "fetch and decode": "control/(fetch|check|rules|products|dispatch|command_queue)",
    "control": "control/|interfaces", "stores": "memory/(write|burst|store|merge|pieces)",
}  # fmt: skip


#: What was found about mutants that nothing notices and no proof covers.
LOOKED = pathlib.Path(__file__).with_name("looked.toml")


def looked_at(netlist: str) -> dict[int, str]:
    """What was found about mutants of a netlist, by their numbers; nothing about another one's."""
    kept = tomllib.loads(LOOKED.read_text(encoding="utf-8"))
    return {int(number): text for number, text in kept["mutants"].items()
            if kept["netlist"] == netlist}  # fmt: skip


def render(judge: Judge, judged: list[Judged], command: str) -> str:
    """The whole page."""
    rooms = collections.defaultdict(list)
    for one in judged:
        rooms[room(one.mutant)].append(one)
    rows = [*sorted(rooms.items()), ("**together**", judged)]
    table = "".join(_row(name, members) for name, members in rows)
    kinds = collections.Counter(kind_of(one.noticed_by) for one in judged if one.noticed_by)
    noticed = ", ".join(f"{name} {count:,}" for name, count in kinds.most_common())
    left = [one for one in judged if one.noticed_by is None]
    proved = [one for one in left if one.proof]
    looked = looked_at(judge.netlist)
    return _PAGE.format(
        command=command, some=_some(judged, judge), day=time.strftime("%Y-%m-%d"),
        cpu=header()["machine"]["cpu"],
        count=len(judged), cases=len(judge.cases), cycles=judge.cycles, table=table,
        noticed=noticed, share=score(judged), proved=_list(proved, {}),
        open=_list((one for one in left if not one.proof), looked),
    )  # fmt: skip


def _some(judged: list[Judged], judge: Judge) -> str:
    """What is to be said of a page before its campaign's end."""
    left, begun = len(judge.mutants) - len(judged), sum(bool(one.left) for one in judged)
    return (f"\n\n{left:,} more are not tried yet; those here are the list's first." * bool(left)
            + f"\n\n{begun:,} are not tried with all cases yet, and count as open." * bool(begun))


def score(judged: list[Judged]) -> float:
    """The share that was noticed of those that are not proved to change nothing."""
    noticed = sum(one.noticed_by is not None for one in judged)
    return noticed / max(1, noticed + sum(one.noticed_by is None and not one.proof
                                          for one in judged))  # fmt: skip


def room(mutant: Mutant) -> str:
    """Where a cell is: by its name, or its wire's, or the files that it comes from."""
    for name in (mutant.cell, mutant.wire):
        found = room_of(name)
        if found != OTHERS:
            return found
    for file in _files(mutant.source):
        for name, files in _FILES.items():
            if re.match(f"rtl/({files})", file):
                return name
    return OTHERS


def _row(name: str, members: list[Judged]) -> str:
    noticed = sum(one.noticed_by is not None for one in members)
    proved = sum(bool(one.proof) for one in members)
    return (f"| {name} | {len(members):,} | {noticed:,} | {proved:,} | "
            f"{len(members) - noticed - proved:,} | {score(members):.1%} |\n")  # fmt: skip


def _list(some, looked: dict[int, str]) -> str:
    return "".join(
        f"- {one.mutant.number}: {one.mutant.mode} of `{_plain(one.mutant.cell)}` "
        f"{one.mutant.port}[{one.mutant.bit}] ({_plain(one.mutant.wire) or 'unnamed'}), "
        f"{', '.join(_files(one.mutant.source)[:2]) or 'no source'}"
        f"{f': {one.proof}' if one.proof else ''}"
        f"{_known(one)}{_found(one, looked)}\n" for one in some
    ) or "None.\n"  # fmt: skip


def _known(one: Judged) -> str:
    """What is known of a mutant that is neither noticed nor proved to change nothing."""
    if one.noticed_by or one.proof:
        return ""
    tried = f"{one.left} cases to go" if one.left else "no case notices it"
    return f": {tried}, {'every proof fails' if one.unproved else 'a proof is yet to be tried'}"


def _found(one: Judged, looked: dict[int, str]) -> str:
    """What somebody found who looked at it."""
    text = looked.get(one.mutant.number)
    return f". {text}" if text else ""


def _plain(name: str) -> str:
    return name.replace("\\", "")


def _files(source: str) -> list[str]:
    """The places in rtl/ that a cell comes from, the innermost ones."""
    files = re.findall(r"(?<=/)rtl/[\w/]+\.py:\d+", source)
    inner = [file for file in files if not re.search("top|core|parts/reset|parts/rest", file)]
    return [*dict.fromkeys(inner)]


_PAGE = """# Mutants of the netlist

`{command}`, {day}, {cpu}:
{count:,} mutants by Yosys' `mutate` over the flat netlist of a 4x4 machine with window unit, as
synthesis leaves it (constant bits and cells that nothing reads are no hardware; clocks are left
out).  Each runs the same {cases} cases until one notices: {cycles:,} cycles in all, under stalls;
cases in which it would never change its bit are left out.  All mutants are tried with some cases
before any is with more; what is proved to change nothing by the last round is spared that.

Noticed is any other byte in memory, counter, register, cycle or error than the unchanged machine's,
another transaction on the bus, or a breach of AXI's rules.  That the unchanged machine is right is
demanded by golden model and interpreter (`tests/rtl`, `tests/mutation/test_cases.py`,
`test_rare.py`).

The cases: networks with every unit, at several addresses; random layers and chains; random programs
of the instruction set; sums about every nasty bias through every requantiser in each rounding, and
averages; results far apart; weights, biases, factors and shifts that no network has; broken
commands, and commands alone with every field at its ends; failing reads and writes, a dead memory,
time limits and budgets; counts of many bits; hosts that start, abort, reset and read at any time;
results scattered in a slow memory, addresses beyond it, each wait of each command alone, products a
few units from a tie, bytes scaled to any size, segments of any length, large windows; as many
copies under way as may be; counters that begin high; programs cut short, and each command as the
last; and a few programs for what all of these missed.{some}

**{share:.1%}** of those that are not proved equivalent are noticed.

| room | mutants | noticed | proved equivalent | open | noticed of the rest |
|---|---:|---:|---:|---:|---:|
{table}
Which case noticed first: {noticed}.

## Open

Not noticed, and not proved equivalent; with what was found by looking at them, which counts as no
proof.

{open}
## Proved equivalent

By k-induction on the part of the netlist around the mutant, with and without it
(`tests/mutation/equivalent.py`), or by property-directed reachability, which finds the invariants
that rule out what no run reaches (`tests/mutation/unreachable.py`): no register, memory or output
of the machine ever differs.

{proved}"""
