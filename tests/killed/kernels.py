"""Compiles two small functions for two signatures, and keeps the code as accel's kernels are kept.

    python -m tests.killed.kernels OUT RESULT

RESULT is written into the source of one of them; OUT/values.json gets what both compute.  Code of
an earlier source would compute an earlier RESULT.
"""

import json
import pathlib
import sys

from accel.report.files import write_json, write_text

_CALLER = """
from accel.compiled import compiled
from kernels_of.callee import callee

@compiled
def caller(a):
    return callee(a)
"""
_CALLEE = """
from accel.compiled import compiled

@compiled
def callee(a):
    return a + {result}
"""


def main(out: pathlib.Path, result: str) -> None:
    """Write the sources, compile and compute."""
    package = pathlib.Path.home() / "kernels_of"
    package.mkdir(exist_ok=True)
    for name, text in (("caller.py", _CALLER), ("callee.py", _CALLEE.format(result=result))):
        write_text(text, package / name)
    sys.path.insert(0, str(package.parent))
    from kernels_of.caller import caller

    out.mkdir(exist_ok=True)
    write_json([caller(1), caller(0.5)], out / "values.json")
    print(json.dumps([caller(1), caller(0.5)]))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
