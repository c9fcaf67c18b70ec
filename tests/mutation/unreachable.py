"""Proves that nothing observed ever differs, from the beginning on, with invariants that are found.

k-induction believes in states that no run reaches: a count beyond its queue's depth, a flag that
disagrees with the count it stands for.  Property-directed reachability (PDR) finds, and proves,
what rules them out.  It is ABC's, which comes with Yosys; before it, ABC merges registers and gates
of the two copies that it proves equal (``scorr``).
"""

import json
import pathlib
import re
import subprocess
import tempfile

#: To an and-inverter graph whose only output is `bad`; what has no known value at first is free.
_TO_GRAPH = "; ".join((
    "read_json window.json", "hierarchy -top window", "proc", "dffunmap", "opt_clean", "simplemap",
    "techmap", "opt -fast", "setundef -undriven -anyseq", "dfflegalize -cell $_DFF_P_ 01", "aigmap",
    "opt_clean", "write_aiger -zinit window.aig",
))  # fmt: skip
#: Which proves it for all time, or finds a run in which something differs, or gives up.
_PROVE = "read_aiger window.aig; strash; scorr -F 2; dc2; pdr -T {seconds}"


def never(module: dict, names: dict, seconds: int) -> bool:
    """Whether ``bad`` of a window's module is proved to be 0 in every cycle from the beginning;
    ``names`` say what registers are then."""
    (window,) = module["modules"].values()
    ports = {name: port for name, port in window["ports"].items()
             if port["direction"] == "input" or name == "bad"}  # fmt: skip
    alone = {"modules": {"window": dict(window, ports=ports, netnames=names)}}
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        (work / "window.json").write_text(json.dumps(alone), encoding="utf-8")
        _run(["yosys", "-q", "-p", _TO_GRAPH], work, 60)
        said = _run(["yosys-abc", "-c", _PROVE.format(seconds=seconds)], work, 3 * seconds)
    return bool(re.search(r"^Property proved\.", said, re.M))


def _run(command: list[str], work: pathlib.Path, seconds: int) -> str:
    """What a tool says; nothing if it takes longer."""
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False,
                              timeout=seconds)  # fmt: skip
    except subprocess.TimeoutExpired:
        return ""
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
