"""Some cycles of pysim's waveform, which it can only write from the beginning."""

import pathlib
import re
import tempfile

from accel.sim.pysim import RESET_CYCLES, PysimEngine

#: Femtoseconds, the unit of its times, of a cycle of pysim.
PERIOD = 10_000_000
_CHANGE = re.compile(r"^(?:[bBrR]\S+ |[01xXzZ])(\S+)$")


def run(
    engine: PysimEngine, arguments, path: pathlib.Path, first: int, last: int, **options
):
    """Run a program, and write the cycles from ``first`` to ``last`` - 1 after the reset."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".trace-") as work:
        whole = pathlib.Path(work) / "whole.vcd"
        engine.vcd = str(whole)
        try:
            outcome = engine.run(*arguments, **options)
        finally:
            engine.vcd = None
        with whole.open(encoding="utf-8") as source, path.open("w", encoding="utf-8") as target:
            _cut(source, target, first, last)
    return outcome


def _cut(source, target, first: int, last: int) -> None:
    """Copy the header, the values at the beginning of the window, and the changes in it.

    A cycle of the simulation is one period; those of the reset come before cycle 0.
    """
    begin, end = ((number + RESET_CYCLES) * PERIOD for number in (first, last))
    for line in source:
        target.write(line)
        if line.startswith("$enddefinitions"):
            break
    values: dict[str, str] = {}
    now, begun = 0, False
    for line in source:
        if line.startswith("#"):
            now = int(line[1:])
            if now >= begin and not begun:
                begun = True
                known = "".join(values.values())
                target.write(f"#{_moved(begin)}\n$dumpvars\n{known}$end\n")
            if now >= end:
                return
            if begun:
                target.write(f"#{_moved(now)}\n")
        elif begun:
            target.write(line)
        elif change := _CHANGE.match(line.rstrip("\n")):
            values[change[1]] = line


def _moved(time: int) -> int:
    """A time without the reset's cycles before it, as in Verilator's waveforms."""
    return time - RESET_CYCLES * PERIOD
