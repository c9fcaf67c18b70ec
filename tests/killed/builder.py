"""Builds a simulator of a small machine, with a quick stand-in for a compiler.

    python -m tests.killed.builder OUT

The stand-in makes of a C++ file what it was called with, in two steps; so a library that was linked
of half a file can be told.  OUT/library gets the library.
"""

import os
import pathlib
import sys

from accel.params import Params
from accel.report.files import write_text
from accel.sim.build import Builder
from tests.sim.copier import Copier

#: Writes the half, waits, writes the rest; a library holds its parts.
COMPILER = """#!/bin/sh
parts=""
while [ $# -gt 1 ]; do
    [ "$1" = -dM ] && echo "#define __VERSION__ fake" && exit 0
    [ "$1" = -o ] && out="$2"
    case "$2" in *.o) [ "$1" = -o ] || parts="$parts $2";; *.cpp) source="$2";; esac
    shift
done
printf 'begin ' > "$out"
sleep 0.05
if [ -n "$parts" ]; then cat $parts >> "$out"; else echo "${source##*/} end" >> "$out"; fi
"""


def main(out: pathlib.Path) -> None:
    """Build it."""
    compiler = pathlib.Path.home() / "compiler"
    new = compiler.with_name(f"compiler-{os.getpid()}")
    new.write_text(COMPILER)
    new.chmod(0o755)  # before another process sees it
    new.replace(compiler)
    library = Builder(str(compiler)).build(Params(rows=4, cols=4), Copier)
    text = library.read_text()
    if text.count("begin") != text.count("end") + 1:
        raise SystemExit(f"a library of halves: {text}")
    out.mkdir(exist_ok=True)
    write_text(text, out / "library")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
