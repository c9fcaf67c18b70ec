"""Runs a campaign: see the package."""

import argparse
import pathlib
import sys
import tempfile
import time

import tests.axi
from accel.bench.header import header
from tests.axi import run

#: Programs of one simulation; each simulation has a base address and a memory of its own.
EACH = 50


def page(command: str, done: dict) -> str:
    """The page of a campaign."""
    left = "".join(f"- {one}\n" for one in done["wrong"])
    return f"""# The written Verilog behind verification IP that is not ours

`{command}`, {time.strftime("%Y-%m-%d")}, {header("cocotb", "cocotbext-axi")["machine"]["cpu"]}:
`accelerator_axi` of a 4x4 machine with window unit, the Verilog that `accel verilog` writes,
between cocotbext-axi's AXI4 memory and AXI4-Lite master. All ten channels pause at random (by
chance in 10 to 90 % of the cycles, in spells of up to 60 cycles, by turns), for each program in
another way; memory lies at address 0, 0x4000_0000, 0x7fff_f000 or 0xfff0_0000. Before about every
other program the same one is disturbed: a read or a write fails, the reset falls, or the host
aborts.

| what | |
|---|---:|
| random layers and chains, one after the other | {done["programs"]:,} |
| bytes of stored tensors compared with the golden model's | {done["bytes"]:,} |
| reads and writes that failed, each reported as what it was | {done["errors"]:,} |
| resets in the middle | {done["resets"]:,} |
| aborts in the middle | {done["aborts"]:,} |
| programs that went wrong, rules of AXI broken | {len(done["wrong"]):,} |

{left}"""


def main() -> int:
    """Run it; the exit code is 1 if anything is wrong."""
    about = tests.axi.__doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.axi", description=about)
    parser.add_argument("--programs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simulator", choices=tuple(run.ARGUMENTS), default="verilator")
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    if absent := run.missing(asked.simulator):
        print(f"error: {absent}", file=sys.stderr)
        return 2
    together = {"programs": 0, "bytes": 0, "errors": 0, "resets": 0, "aborts": 0, "wrong": []}
    with tempfile.TemporaryDirectory() as work:
        for part in range(-(-asked.programs // EACH)):
            count = min(EACH, asked.programs - part * EACH)
            done = run.run(asked.simulator, count, asked.seed * 10_000 + part, pathlib.Path(work))
            together = {name: together[name] + done[name] for name in together}
    text = page(f"python -m tests.axi --programs {asked.programs} --seed {asked.seed}", together)
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    return int(bool(together["wrong"]))


if __name__ == "__main__":
    raise SystemExit(main())
