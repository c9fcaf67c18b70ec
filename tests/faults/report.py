"""The page of a fault campaign."""

import collections
import time

from accel.bench.header import header
from tests.faults.campaign import LATE, NEVER, OUTCOMES, Faulty

#: Faults of the worst kind that are listed with all that is needed to run them again.
LISTED = 20


def render(faulty: Faulty, ended, command: str) -> str:
    """The whole page."""
    elements = faulty.elements
    counts = collections.defaultdict(collections.Counter)
    for fault, end in ended:
        counts[elements[fault.element].kind][end.outcome] += 1
    bits = collections.Counter()
    for one in elements:
        bits[one.kind] += one.bits * one.words
    meaning = "".join(f"- *{name}*: {words}.\n" for name, words in OUTCOMES.items())
    heads = ("where", "bits", "faults", *OUTCOMES)
    rows = [_row(kind, bits[kind], counts[kind]) for kind in sorted(counts)]
    total = sum(counts.values(), collections.Counter())
    rows.append(_row("**together**", sum(bits.values()), total))
    hung, late = ([(fault, end) for fault, end in ended if end.outcome == kind]
                  for kind in ("hang", "late"))
    return f"""# Single bit flips

`{command}`, {time.strftime("%Y-%m-%d")}, {header()["machine"]["cpu"]}: {len(ended):,} runs of
a 4x4 machine's RTL on a small network ({faulty.cycles:,} cycles without a fault), in each one
flipped bit: of every class of registers and memories equally often, in it of any bit, in any cycle.
Nothing in this machine is protected: no parity, no checksum. (LATE is {LATE}, NEVER {NEVER:,}.)

{meaning}
{_table(heads, rows)}
What was reported: {_said(ended, "reported")}. From outside: {_said(ended, "bus")}.

Faults that hang: {"" if hung else "none"}{_list(elements, hung)}

A flip in a command that was checked already may let it run for very long; the watchdog ends what
stands still, not what goes on. Late were: {"" if late else "none"}{_list(elements, late)}
"""


def _row(kind: str, bits: int, counts) -> list[str]:
    number = sum(counts.values())
    shares = [f"{counts[name] / number:.1%}" if counts[name] else "-" for name in OUTCOMES]
    return [kind, f"{bits:,}", f"{number:,}", *shares]


def _table(heads, rows) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _said(ended, outcome: str) -> str:
    """What ends of a kind said, the most frequent first; numbers in it do not matter."""
    found = collections.Counter(
        " ".join(word for word in end.said.split() if not any(c.isdigit() for c in word[1:]))
        for _, end in ended if end.outcome == outcome
    )  # fmt: skip
    return ", ".join(f"{count:,} x {said}" for said, count in found.most_common(8)) or "nothing"


def _list(elements, ended) -> str:
    return "".join(
        f"\n- `{elements[fault.element].name}`, word {fault.word}, bit {fault.bit}, cycle "
        f"{fault.cycle:,}: {end.said}, {end.cycles:,} cycles" for fault, end in ended[:LISTED]
    )
