"""How near the machine comes to what arithmetic allows.

    python -m tests.support.ceilings FOLDER

FOLDER holds the zoo's exports (tests/support/zoo.py).  Cycles are the cycle model's, which are the
RTL's.  A network's floor is what no order of commands could go below:

- the array takes a cycle for every vector of every weight tile, also where channels do not fill it,
  and as many as it has rows for a tile of fewer pixels;
- a fully connected layer at batch 1 reads every weight once, and nothing on the chip has room for
  them before it begins;
- a pool behind a convolution takes a cycle for every window that a pixel lies in.

The depthwise convolutions' multiplications are the window unit's, beside the array: so a floor can
be below the ideal cycles of all multiplications on the array alone.
"""

import argparse
import dataclasses
import math
import pathlib
import shutil
import tempfile

from accel import machines
from accel.estimate import estimate
from accel.params import Params
from tests.support import zoo

REPORT = pathlib.Path("reports/ceilings.md")


@dataclasses.dataclass(frozen=True)
class Case:
    """A network, a machine, and the least utilisation that was asked for."""

    network: str
    machine: str
    wanted: float

    @property
    def params(self) -> Params:
        """The machine: a name, or rows and columns and perhaps bytes of bus."""
        if self.machine in machines.names():
            return machines.open_machine(self.machine).params
        array, _, bus = self.machine.partition("/")
        rows = int(array.partition("x")[0])
        return Params(rows=rows, cols=rows, bus_bytes=int(bus or rows))


CASES = tuple(Case(*words) for words in (
    ("mobilenet", "16x16", 0.80), ("kws", "16x16", 0.85), ("resnet8", "16x16", 0.94),
    ("mobilenet_v1_224", "16x16", 0.97), ("mobilenet_v2_224", "16x16", 0.92),
    ("mobilenet_v2_224", "16x16/8", 0.80), ("mnasnet1_0_224", "16x16", 0.92),
    ("squeezenet", "16x16", 0.97),
    ("mobilenet_v1_224", "32x32", 0.92), ("mobilenet_v2_224", "32x32", 0.75),
    ("mobilenet_v2_224", "large", 0.75), ("mnasnet1_0_224", "32x32", 0.75),
    ("mnasnet1_0_224", "large", 0.75), ("squeezenet", "32x32", 0.90),
    ("squeezenet", "large", 0.90), ("resnet50", "32x32", 0.93),
))  # fmt: skip


def predicted(case: Case, folder: pathlib.Path) -> dict:
    """What the cycle model says."""
    path = folder / f"{case.network}.legacy.onnx"
    if not path.exists() or not case.network.endswith("_224"):
        return estimate(case.network, params=case.params, images=1)
    with tempfile.TemporaryDirectory() as place:
        file = pathlib.Path(place) / f"{case.network}.onnx"
        shutil.copy(zoo.quantised(path, "accel"), file)
        return estimate(str(file), params=case.params, images=1)


def floor(report: dict, params: Params) -> dict[str, float]:
    """Cycles below which nothing can go, by what they are for."""
    found = {"array": 0.0, "weights": 0.0, "pools": 0.0}
    for layer in report["layers"]:
        if layer["where"] != "array":
            continue
        busy = layer["busy_cycles"]
        if "conv" in layer:
            pixels = layer["conv"]["images"] * math.prod(layer["conv"]["pixels"])
            busy *= max(1, params.rows / pixels)
        found["array"] += busy
        if layer["op"].startswith("fully_connected"):
            beats = (layer["bytes_read"] + layer["bytes_written"]) / params.bus_bytes
            found["weights"] += max(0.0, beats - busy)
        elif "pool" in layer["op"]:
            found["pools"] += layer["own_idle"]["post"]
    return found


def row(case: Case, folder: pathlib.Path) -> str:
    """A line of the table."""
    params, report = case.params, predicted(case, folder)
    total, least = report["total"], floor(report, case.params)
    cycles, ideal = total["cycles"], total["macs"] / (params.rows * params.cols)
    share = {cause: count / cycles for cause, count in total["idle"].items()}
    worst = sorted(share, key=share.get)[:-3:-1]
    return (
        f"| {case.network} | {case.machine} | {ideal:,.0f} | {cycles:,} | "
        f"{total['utilisation']:.2%} | {case.wanted:.0%} | {least['array']:,.0f} | "
        f"{least['weights']:,.0f} | {least['pools']:,.0f} | {ideal / sum(least.values()):.1%} | "
        + ", ".join(f"{cause} {share[cause]:.1%}" for cause in worst) + " |"
    )  # fmt: skip


HEAD = """\
# Ceilings

`python -m tests.support.ceilings FOLDER`, with FOLDER the zoo's exports: networks at batch 1, 32
cycles of memory latency, as many bytes a cycle as the array has rows unless `/8` says other;
`large` is the machine of that name.

*Array*, *weights* and *pools* are cycles that no order of commands can avoid: a vector of a weight
tile each, also where channels do not fill the tile, and at least as many a tile as the array has
rows; what a fully connected layer's weights take to read beyond that; and what a pool behind a
convolution takes beyond that.  *Ceiling* is the ideal number of cycles (all multiplications, the
depthwise ones of the window unit too, by the array's) divided by their sum.

| network | machine | ideal | cycles | is | wanted | array | weights | pools | ceiling | most idle |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|
"""
TAIL = """
What the figures below their target would take:

- *MobileNetV2 at 32x32*: the classifier's weights take 40,000 cycles to read, which no order
  hides: 75 % are 391,600 cycles, 351,600 before it.  The 56x56x144 layers go through the window
  unit's 64 KiB in blocks of two rows, 112 pixels; a POST takes 30 cycles beside its pixels, so that
  post-processing needs 142 cycles for what the array does in 112 (*post*, 20,000 in all).  With the
  buffers of `large`, four rows: reached.
- *MnasNet at 32x32*: 16, 24, 40, 48, 72, 80 and 120 channels fill the tiles of 32 badly, and the
  classifier's 1.28 MB take 40,000 cycles to read.  What is left is the window unit's, with 5x5
  windows and additions: it and the array are both busy most of the time, and each waits for the
  other at both ends of a chain.  Chains that begin before the one before them has ended would help.
- *SqueezeNet at 32x32*: the first layer's 111x111x64 results go through a 3x3 pool of stride 2,
  each into 1.5 windows of its row, one a cycle, and the array waits: the target is above the
  ceiling.
  A pooling unit that takes all windows of a pixel at once would lift the ceiling to 91 %.  The
  rest are 55x55 and 27x27 layers around the pools, 10,000 cycles: their images are larger than a
  bank of sums, so that they cannot begin with the first channels (accel/compiler/early.py); the
  rows of one fire module between those of the next would.
"""


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=REPORT)
    given = parser.parse_args()
    lines = "".join(f"{row(case, given.folder)}\n" for case in CASES)
    given.output.write_text(HEAD + lines + TAIL, encoding="utf-8")


if __name__ == "__main__":
    main()
