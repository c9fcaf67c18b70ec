"""A handful of mutants in seconds: that the harness notices what it should, and nothing else.

It is a process of its own (``python -m tests.software_mutation.sample FOLDER``), for in pytest's
the modules that are to be changed have been imported before any mutant.
"""

import json
import os
import pathlib
import sys

from tests.software_mutation import rooms, warm

#: The tests that the sample is held against: a file of the graph's and one test of kernels.
TESTS = (
    "tests/graph/test_shapes.py", "tests/golden/test_integer.py::test_extreme_bytes_are_exact",
)  # fmt: skip
SHAPES, KERNELS = "accel/graph/shapes.py", "accel/golden/integer.py"
#: What is changed: source, what a line says, and what instead.
CHANGES = {
    "nothing": (SHAPES, "return room // stride + 1", "return room // stride + 1"),
    "equal": (SHAPES, "return room // stride + 1", "return 1 + room // stride"),
    "wrong": (SHAPES, "return room // stride + 1", "return room // stride + 2"),
    "endless": (SHAPES, "count -= 1", "while True: pass"),
    "wrong kernel": (KERNELS, "bias[o] - (128 + zero)", "bias[o] - (127 + zero)"),
    "no import": (SHAPES, "import numpy as np", "import numpy_ as np"),
}  # fmt: skip


def main(folder: str) -> int:
    """Try them, and print a verdict for each."""
    os.chdir(rooms.ROOT)
    rooms.BUILD, rooms.TESTS = pathlib.Path(folder), TESTS
    warm.imports()
    from tests.software_mutation import draw, touch, trial

    touch.BUILD, trial.SPARE = rooms.BUILD, 3
    touched, verdicts = touch.refresh(lambda text: print(text, file=sys.stderr)), {}
    for name, (source, before, after) in CHANGES.items():
        text = draw.text_of(source)
        line = text[: text.index(before)].count("\n") + 1
        verdict = trial.judge_text(touched, source, line, text.replace(before, after, 1))
        verdicts[name] = [verdict.killed, verdict.said, verdict.tests]
    print(json.dumps(verdicts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
