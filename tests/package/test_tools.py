"""The systems' own builds, with stand-ins for tools."""

import pathlib
import shutil
import stat
import subprocess
import sys

import accel.package

SYSTEM = pathlib.Path(accel.package.__file__).parent / "system"
#: In the place of the package's, which reads a package.
FIRMWARE = """
import subprocess

def call(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)

def give_up(message):
    raise SystemExit(message)
"""
#: In the place of Verilator and make: keeps an object that is there, and is killed at the first.
VERILATOR = """#!/bin/sh
while [ "$1" != --Mdir ]; do shift; done
mkdir -p "$2"
[ -e "$2/object" ] && exit 0
printf half > "$2/object"
[ -e "$2/../once" ] || { touch "$2/../once"; kill -9 $PPID; exit 1; }
printf whole > "$2/object"
"""
CALL = """
import importlib.util, pathlib, sys
importlib.util.find_spec = lambda name: None
import tools
tools.verilator(pathlib.Path(sys.argv[1]))
"""


def test_a_killed_simulation_is_built_anew(tmp_path):
    """What make finds there it takes for whole."""
    shutil.copy(SYSTEM / "tools.py", tmp_path)
    (tmp_path / "firmware.py").write_text(FIRMWARE)
    program = tmp_path / "bin" / "verilator"
    program.parent.mkdir()
    program.write_text(VERILATOR)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "build").mkdir()
    codes = [
        subprocess.run(
            [sys.executable, "-c", CALL, str(tmp_path / "build")], cwd=tmp_path, check=False,
            env={"PATH": f"{program.parent}:/usr/bin:/bin"},
        ).returncode
        for _ in range(2)
    ]  # fmt: skip
    assert codes == [-9, 0]
    assert (tmp_path / "build" / "obj" / "object").read_text() == "whole"
    assert not (tmp_path / "build" / "obj.begun").exists()
