"""The page of a fault campaign."""

import collections
import time
from collections.abc import Iterable, Sequence

from accel.bench.header import header
from tests.faults.campaign import BUDGET, LATE, NEVER, OUTCOMES, Campaign

#: Faults of the worst kind that are listed with all that is needed to run them again.
LISTED = 20
#: What is seen by somebody, and what nobody sees.
SEEN, UNSEEN = ("reported", "bus"), ("inside", "wrong", "late", "hang")


def render(plain: Campaign, guarded: Campaign, command: str, costs: Sequence[dict] = ()) -> str:
    """The whole page: a machine without, and one with what finds flipped bits; what that costs."""
    meaning = "".join(f"- *{name}*: {words}.\n" for name, words in OUTCOMES.items())
    return f"""# Single bit flips

`{command}`, {time.strftime("%Y-%m-%d")}, {header()["machine"]["cpu"]}: {len(plain.ended):,} runs
each of two 4x4 machines' RTL on a small network ({plain.faulty.cycles:,} cycles without a fault),
in each one flipped bit: of every class of registers and memories equally often, in it of any bit,
in any cycle.
A run's budget (register BUDGET) is {BUDGET} times its cycles. (LATE is {LATE}, NEVER {NEVER:,}.)

{meaning}
## Summary

{_summary(plain, guarded)}
Where a machine is hit as likely in any bit, the last two columns hold: its memories have most bits.
*Seen*: reported or bus; *unseen*: inside, wrong, late or hang.

## Without protection

{_page(plain)}
## With parity and checksum

`parity = true` in a machine's file: a bit more for each byte or word of the buffers, accumulators,
parameters, activation tables, and of the queues of weights, data and commands; a word that is wrong
when it is used stops the machine with PARITY. Of registers only those have one in which commands
wait. `checksum = true`: commands and weights are summed up where they arrive, in the queues and at
the array; a run whose sum is not the program's ends in CHECKSUM.

{_page(guarded)}{cost(costs) if costs else ""}"""


def _summary(plain: Campaign, guarded: Campaign) -> str:
    """Both machines side by side, by class and by bit."""
    heads = ("machine", "bits", "seen", "unseen", "of what is not masked, seen",
             "seen, any bit", "unseen, any bit")  # fmt: skip
    rows = []
    for name, campaign in (("without protection", plain), ("with parity and checksum", guarded)):
        counts, bits = _counted(campaign)
        total = sum(counts.values(), collections.Counter())
        seen, unseen = (sum(total[one] for one in names) for names in (SEEN, UNSEEN))
        every = [
            sum(bits[kind] * sum(counts[kind][one] for one in names) / counts[kind].total()
                for kind in counts) / sum(bits[kind] for kind in counts)
            for names in (SEEN, UNSEEN)
        ]  # fmt: skip
        shares = [seen / total.total(), unseen / total.total(), seen / max(1, seen + unseen)]
        rows.append([name, f"{sum(bits.values()):,}",
                     *(f"{share:.1%}" for share in shares), *(f"{share:.2%}" for share in every)])
    return _table(heads, rows)


def cost(costs: Sequence[dict]) -> str:
    """What the guards take of an FPGA, as accel fpga reports say; the first is without."""
    kinds = {"lut": "LUT", "ff": "flip-flops", "dsp": "DSP", "block_ram": "block RAM"}
    rows = []
    for one in costs:
        on = [name for name in ("parity", "checksum") if one["params"][name]]
        row = [" and ".join(on) or "neither"]
        for kind in kinds:
            used, before = one[kind]["used"], costs[0][kind]["used"]
            more = "" if one is costs[0] else f" ({used / before - 1:+.1%})"
            row.append(f"{used:,}{more}")
        rows.append(row)
    size = "{rows}x{cols}".format(**costs[0]["array"])
    return f"""
## What it costs

The machine `{costs[0]["machine"]["name"]}` ({size}) for an ECP5, synthesised and not placed: `accel
fpga --machine M.toml --no-place`, with `parity` and `checksum` in M.toml.

{_table(("with", *kinds.values()), rows)}"""


def _counted(campaign: Campaign):
    """The outcomes of each class, and its bits."""
    elements = campaign.faulty.elements
    counts, bits = collections.defaultdict(collections.Counter), collections.Counter()
    for fault, end in campaign.ended:
        counts[elements[fault.element].kind][end.outcome] += 1
    for one in elements:
        bits[one.kind] += one.bits * one.words
    return counts, bits


def _page(campaign: Campaign) -> str:
    """All about one machine."""
    elements, ended = campaign.faulty.elements, campaign.ended
    counts, bits = _counted(campaign)
    heads = ("where", "bits", "faults", *OUTCOMES)
    rows = [_row(kind, bits[kind], counts[kind]) for kind in sorted(counts)]
    total = sum(counts.values(), collections.Counter())
    rows.append(_row("**together**", sum(bits.values()), total))
    hung, late = campaign.outcome("hang"), campaign.outcome("late")
    return f"""{_table(heads, rows)}
What was reported: {_said(ended, "reported")}. From outside: {_said(ended, "bus")}.

Faults that hang: {"" if hung else "none"}{_list(elements, hung)}.
Late: {"" if late else "none"}{_list(elements, late)}.
"""


def _row(kind: str, bits: int, counts) -> list[str]:
    number = sum(counts.values())
    shares = [f"{counts[name] / number:.1%}" if counts[name] else "-" for name in OUTCOMES]
    return [kind, f"{bits:,}", f"{number:,}", *shares]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
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
