"""The page of a campaign of random chains."""

import collections
import time

from accel.graph.ir import Conv

#: Of a chain's layer, what its kind is called.
WORDS = {"MaxPool": "maximum", "AveragePool": "average", "Add": "addition"}


def page(results: dict, command: str, machines) -> str:
    """What was drawn and what was found, of the chains by number."""
    found = list(results.values())
    failed = {number: one for number, one in results.items() if one.wrong}
    lines = [
        "# Random chains whose tensors may stay on the chip", "",
        f"`{command}`, {time.strftime('%Y-%m-%d')}. Every chain ran twice on the RTL: under random "
        "stalls on all channels of the memory (up to 59 % of the cycles, latency 1 to 59), every "
        "stored byte against the golden model, and the counters that no stall may change against "
        "those of the second run; which is on a memory of random latency and width, every counter "
        "against the cycle model. A run that does not end would have failed, and so would a "
        "program in which a command waits for a later one (`tests/support/listing.py`).", "",
        f"**{len(found):,} chains: {len(failed)} failed.** "
        f"{sum(one.compared for one in found):,} bytes and {sum(one.counters for one in found):,} "
        f"counters compared, {sum(one.cycles for one in found):,} cycles of both runs. Some "
        f"tensor stayed on the chip in {sum(one.near > 0 for one in found):,} chains; "
        f"{sum(one.near < one.roomy for one in found):,} had to give up some or all that the same "
        "array would keep with larger buffers.", "",
        *(f"- chain {number}: {one.wrong[0]}" for number, one in failed.items()),
        *[""] * bool(failed),
        *_machines(found, machines), *_depths(found), *_operators(found), *_shapes(found),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _machines(found, machines) -> list[str]:
    """A row a machine."""
    lines = ["| machine | buffers: array, window unit, accumulator rows | chains | fused | "
             "tensors that stayed | gave up some or all | too large, taken by the last |",
             "|---|---|---:|---:|---:|---:|---:|"]
    for params in machines:
        mine = [one for one in found if one.params == params]
        lines.append(
            f"| {params.rows}x{params.cols}, {params.window_taps} taps, {params.bus_bytes}-byte "
            f"bus | {params.input_bytes:,}, {params.window_bytes:,}, {params.acc_rows:,} "
            f"| {len(mine):,} | {sum(one.near > 0 for one in mine):,} "
            f"| {sum(one.near for one in mine):,} | {sum(one.near < one.roomy for one in mine):,} "
            f"| {sum(one.refused for one in mine):,} |"
        )
    return [*lines, ""]


def _depths(found) -> list[str]:
    """How deep chains are, and how many of their tensors stay."""
    lines = ["| layers | chains | fused | tensors that stayed: 1 | 2 | 3 | 4 and more |",
             "|---:|---:|---:|---:|---:|---:|---:|"]
    for depth in sorted({len(one.nodes) for one in found}):
        mine = [one for one in found if len(one.nodes) == depth]
        stayed = collections.Counter(min(one.near, 4) for one in mine)
        lines.append(f"| {depth} | {len(mine):,} | {len(mine) - stayed[0]:,} | "
                     + " | ".join(f"{stayed[count]:,}" for count in range(1, 5)) + " |")
    return [*lines, ""]


def _operators(found) -> list[str]:
    counts = collections.Counter(_kind(node) for one in found for node in one.nodes)
    residual = sum(any(_kind(node) == WORDS["Add"] for node in one.nodes) for one in found)
    return ["Operators: " + _listed(counts) + f". {residual:,} chains with a residual addition.",
            ""]


def _kind(node) -> str:
    if not isinstance(node, Conv):
        return WORDS[type(node).__name__]
    if node.groups > 1:
        return "depthwise"
    return "pointwise" if node.weights.shape[1:3] == (1, 1) else "convolution"


def _shapes(found) -> list[str]:
    """Kernels, strides, images."""
    sides, strides = collections.Counter(), collections.Counter()
    for node in (node for one in found for node in one.nodes):
        if isinstance(node, Conv):
            sides.update(node.weights.shape[1:3])
        elif hasattr(node, "kernel"):
            sides.update(node.kernel)
        strides.update(getattr(node, "stride", ()))
    batches = collections.Counter(one.batch for one in found)
    return [f"{what}: " + ", ".join(f"{key} ({count:,})" for key, count in sorted(counts.items()))
            + "." + "\n" for what, counts in (("Sides of kernels", sides), ("Strides", strides),
                                              ("Images in a batch", batches))]


def _listed(counts) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
