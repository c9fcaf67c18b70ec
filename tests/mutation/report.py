"""The page of a mutation campaign."""

import collections
import re
import time

from accel.bench.header import header
from tests.faults.elements import OTHERS, room_of
from tests.mutation.campaign import Judge, Judged
from tests.mutation.cases import BROKEN, CHAINS, LAYERS, WILD


def render(judge: Judge, judged: list[Judged], command: str) -> str:
    """The whole page."""
    rooms = collections.defaultdict(list)
    for one in judged:
        rooms[_room(one)].append(one)
    rows = [(room, members) for room, members in sorted(rooms.items())]
    rows.append(("**together**", judged))
    table = "".join(
        f"| {room} | {len(members):,} | {_killed(members):,} | "
        f"{_killed(members) / len(members):.1%} |\n" for room, members in rows
    )
    kinds = collections.Counter(re.sub(r" \d+$", "", one.noticed_by) for one in judged
                                if one.noticed_by)  # fmt: skip
    noticed = ", ".join(f"{name} {count:,}" for name, count in kinds.most_common())
    left = "".join(
        f"- {one.mutant.number}: {one.mutant.mode} of `{_plain(one.mutant.cell)}` "
        f"{one.mutant.port} ({_plain(one.mutant.wire) or 'unnamed'}), "
        f"{_source(one.mutant.source)}\n"
        for one in judged if one.noticed_by is None
    )
    return f"""# Mutants of the netlist

`{command}`, {time.strftime("%Y-%m-%d")}, {header()["machine"]["cpu"]}: {len(judged):,} mutants by
Yosys' `mutate` over the whole flat netlist of a 4x4 machine with window unit (clocks left out),
each against the same programs until one notices: a network with every unit, at two addresses,
{LAYERS} random layers, {CHAINS} random chains, {WILD} programs with numbers that no network has,
{BROKEN} with a broken command, failing reads and writes, a dead memory, too small a budget;
{judge.cycles:,} cycles in all, under stalls. Noticed is any other
byte in memory, counter, register, cycle, error or breach of AXI's rules. Block tests and proofs are
not among them.

| room | mutants | noticed | share |
|---|---:|---:|---:|
{table}
Which case noticed first: {noticed}.

## Not noticed

{left or "None."}"""


def _killed(members: list[Judged]) -> int:
    return sum(one.noticed_by is not None for one in members)


def _room(one: Judged) -> str:
    """Where a cell, or the wire that it drives, is."""
    found = room_of(one.mutant.cell)
    return room_of(one.mutant.wire) if found == OTHERS else found


def _plain(name: str) -> str:
    return name.replace("\\", "")


def _source(source: str) -> str:
    """The places in rtl/ that a cell comes from, the innermost ones."""
    files = re.findall(r"(?<=/)rtl/[\w/]+\.py:\d+", source)
    inner = [file for file in files if not re.search("top|parts/reset|parts/rest", file)]
    return ", ".join(dict.fromkeys(inner[:2])) or "no source"
