"""``accel fpga`` with quick stand-ins for Yosys and nextpnr, which write in two steps.

    python -m tests.killed.tools OUT
"""

import os
import pathlib
import sys

from accel.cli import main
from accel.report.files import write_text
from tests.test_fpga import WRITE_NETLIST, WRITE_REPORT

_SCRIPT = """#!/bin/sh
PATH=/usr/bin:/bin
{first}
sleep 0.05
{rest}
"""


def stand_in(name: str, first: str, rest: str) -> None:
    """Write a program."""
    path = pathlib.Path.home() / "bin" / name
    path.parent.mkdir(exist_ok=True)
    write_text(_SCRIPT.format(first=first, rest=rest), path)
    path.chmod(0o755)


if __name__ == "__main__":
    stand_in("yosys", "printf '{\"modules' > accelerator.json", WRITE_NETLIST)
    stand_in("nextpnr-ecp5", "printf '{' > nextpnr_1.json", WRITE_REPORT)
    os.environ["PATH"] = str(pathlib.Path.home() / "bin")
    main(["fpga", "--array", "4x4", "--out", sys.argv[1]])
