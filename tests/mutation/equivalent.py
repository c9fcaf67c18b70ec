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
from tests.mutation.unreachable import never
from tests.mutation.window import Window

#: In each step, one after the other: registers that may differ, registers looked back at, cycles.
TRIED = ((0, 0, 0), (0, 1, 1), (1, 1, 1)), ((0, 2, 2), (1, 2, 2), (1, 3, 3), (2, 3, 3)), ()
#: The same, to prove that a mutant never changes its bit.
NEVER = ((1, 1),), ((3, 3),), ()
#: The same with invariants that are found (tests.mutation.unreachable), which look further back.
FOUND = ((0, 2), (1, 3)), ((2, 4), (3, 3), (4, 4)), ()
#: The same as at first where words in memories may differ, too.
THROUGH = (), (), ((0, 1, 1), (1, 1, 1), (1, 2, 2), (2, 2, 2))
#: Cells of a window, at most, in all and of those of which there are two; seconds of a proof.
LARGEST, MOST, SECONDS = 1500, 600, 8
#: The first step takes seconds, the last ones minutes.
STEPS = range(len(TRIED))


def proof(net: Netlist, mutant: Mutant, steps=STEPS) -> str | None:
    """How a mutant is proved to change nothing, in one of these steps; None if it is not."""
    return next(filter(None, (_step(net, mutant, step) for step in steps)), None)


def _step(net: Netlist, mutant: Mutant, step: int) -> str | None:
    for apart, behind, cycles in TRIED[step]:
        window = Window(net, mutant, apart, behind)
        if window.size <= MOST and _holds(window.module(), cycles):
            return f"{apart} registers apart, {behind} behind, {cycles} cycles"
    for behind, cycles in NEVER[step]:
        if _holds(Window(net, mutant, 0, behind).site(), cycles):
            return f"its bit never changes: {behind} registers behind, {cycles} cycles"
    seen = set()
    for apart, behind in FOUND[step]:
        window = Window(net, mutant, apart, behind)
        module = window.module()
        cells = len(module["modules"]["window"]["cells"])
        if window.size > MOST or cells > LARGEST or (window.size, cells) in seen:
            continue
        seen.add((window.size, cells))  # one that is no larger says no more
        if never(module, window.beginnings(), SECONDS):
            return f"by PDR: {apart} registers apart, {behind} behind"
    for apart, behind, cycles in THROUGH[step]:
        window = Window(net, mutant, apart, behind, through=True)
        if window.guards and window.size <= MOST:
            _keep_guards(window, cycles)
            if _holds(window.module(), cycles):
                return f"also through memories: {apart} apart, {behind} behind, {cycles} cycles"
    return None


def _keep_guards(window: Window, cycles: int) -> None:
    """Leave those of a window's guards that hold of every word that is written and differs."""
    before = " ".join(f"-set-at {cycle} bad 0" for cycle in range(1, cycles + 1))
    while window.guards:
        asked = (f"sat -seq {cycles + 1} {before} -prove-skip {cycles} -prove violated 0 "
                 f"-show violated -timeout {SECONDS}")  # fmt: skip
        said, code = _yosys(window.module(), [asked])
        if code:
            raise RuntimeError(f"yosys: {said[-2000:]}")
        seen = re.findall(rf"^ +{cycles + 1} \\violated .* ([01]+) *$", said, re.M)
        if not seen:  # there is none, or none was found in time: then the rest will not hold
            return
        window.guards = {guard for guard, wrong in
                         zip(sorted(window.guards), reversed(seen[0]), strict=False)
                         if wrong == "0"}  # fmt: skip


def _holds(module: dict, cycles: int) -> bool:
    """Whether no observed place ever differs."""
    proved = f"-prove bad 0 -verify -timeout {SECONDS}"
    if not cycles:
        commands = [f"sat {proved}"]
    else:
        before = " ".join(f"-set-at {cycle} bad 0" for cycle in range(1, cycles + 1))
        commands = [f"sat -seq {cycles} -set-at 1 equal 1 {proved}",
                    f"sat -seq {cycles + 1} {before} -prove-skip {cycles} {proved}"]
    said, code = _yosys(module, commands)
    if code and not re.search("proof did (fail|time out)", said):
        raise RuntimeError(f"yosys: {said[-2000:]}")
    return not code


def _yosys(module: dict, commands: list[str]) -> tuple[str, int]:
    """What Yosys says of a module, and its exit code."""
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "window.json"
        path.write_text(json.dumps(module), encoding="utf-8")
        passes = "; ".join([f"read_json {path}", "hierarchy -top window", "proc", "dffunmap",
                            "opt_clean", *commands])  # fmt: skip
        done = subprocess.run(["yosys", "-p", passes], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode
