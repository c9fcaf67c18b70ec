"""The page of a campaign of random layers."""

import collections
import time

from tests.layers.campaign import Chunk
from tests.support.machines import ALL


def page(chunks: list[Chunk], command: str) -> str:
    """What was drawn, and what was found."""
    done = sum(chunk.layers - chunk.refused for chunk in chunks)
    commits = sorted({chunk.commit for chunk in chunks} - {""})
    operators = sum((collections.Counter(one.operators) for one in chunks), collections.Counter())
    failed = [chunk for chunk in chunks if chunk.failed]
    lines = [
        "# Random layers", "",
        f"`{command}`, {time.strftime('%Y-%m-%d')}, commit {', '.join(commits)}. Single layers and "
        "pairs with random attributes, batch 1 to 3, each twice on the RTL: under random stalls on "
        "all channels of the memory (up to 59 % of the cycles, latency 1 to 59), every stored byte "
        "against the golden model and the counters that no stall may change; and on a memory of "
        "random latency and width, a third of them DRAMs, every counter against the cycle model.",
        "",
        f"**{done:,} layers ran, {len(failed)} failed.** {_sum(chunks, 'compared'):,} bytes, "
        f"{_sum(chunks, 'counters'):,} counters compared in {_sum(chunks, 'cycles'):,} cycles; "
        f"{_sum(chunks, 'refused'):,} more were refused by machines without room for them.", "",
        *(f"- seed {one.seed}, chunk {one.number}, {one.machine}: {one.failed}" for one in failed),
        *[""] * bool(failed),
        "| array | bus | buffers: array, window unit | rows of sums | taps | options | layers "
        "| refused | failed | cycles |",
        "|---|---:|---:|---:|---:|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for machine in ALL:
        mine = [chunk for chunk in chunks if chunk.machine == machine]
        options = [name for name in ("packed_products", "parity", "checksum")
                   if getattr(machine, name)]  # fmt: skip
        lines.append(
            f"| {machine.rows}x{machine.cols} | {machine.bus_bytes} "
            f"| {machine.input_bytes:,}, {machine.window_bytes:,} | {machine.acc_rows:,} "
            f"| {machine.window_taps} | {', '.join(options)} | {_sum(mine, 'layers'):,} "
            f"| {_sum(mine, 'refused'):,} | {sum(bool(one.failed) for one in mine)} "
            f"| {_sum(mine, 'cycles'):,} |"
        )
    nodes = ", ".join(f"{count:,} {name}" for name, count in operators.most_common())
    return "\n".join([*lines, "", f"Operators: {nodes}."]) + "\n"


def _sum(chunks: list[Chunk], what: str) -> int:
    return sum(getattr(chunk, what) for chunk in chunks)
