"""Proves mutants equivalent: windows of the netlist (tests.mutation.window) and Yosys' SAT solver.

With k cycles: if nothing differs in the first k from where both copies are the same, and nothing
differs in a cycle behind any k in which nothing does, then nothing ever does.
"""

import json
import pathlib
import re
import subprocess
import tempfile

from tests.mutation.graph import Netlist
from tests.mutation.netlist import Mutant
from tests.mutation.window import Window

#: (registers that may differ, registers looked back at, cycles): one after the other is tried.
TRIED = (0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 1, 1), (1, 2, 2), (1, 4, 4), (2, 3, 3)
#: Cells of a window, at most; seconds of a proof, at most.
MOST, SECONDS = 600, 20


def proof(net: Netlist, mutant: Mutant, tried=TRIED) -> str | None:
    """How a mutant is proved to change nothing; None if it is not."""
    for apart, behind, cycles in tried:
        window = Window(net, mutant, apart, behind)
        if window.size > MOST:
            return None
        if _holds(window.module(), cycles):
            return f"{apart} registers apart, {behind} behind, {cycles} cycles"
    return None


def _holds(module: dict, cycles: int) -> bool:
    """Whether no observed place ever differs."""
    proved = f"-prove bad 0 -verify -timeout {SECONDS}"
    if not cycles:
        commands = [f"sat {proved}"]
    else:
        before = " ".join(f"-set-at {cycle} bad 0" for cycle in range(1, cycles + 1))
        commands = [f"sat -seq {cycles} -set-at 1 equal 1 {proved}",
                    f"sat -seq {cycles + 1} {before} -prove-skip {cycles} {proved}"]
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "window.json"
        path.write_text(json.dumps(module), encoding="utf-8")
        passes = "; ".join([f"read_json {path}", "hierarchy -top window", "proc", "dffunmap",
                            "opt_clean", *commands])  # fmt: skip
        done = subprocess.run(["yosys", "-q", "-p", passes], capture_output=True, text=True,
                              check=False)  # fmt: skip
    said = done.stdout + done.stderr
    if done.returncode and not re.search("proof did (fail|time out)", said):
        raise RuntimeError(f"yosys: {said[-2000:]}")
    return not done.returncode
