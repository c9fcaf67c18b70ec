"""Commands as a user who may write nowhere but in some folders, and on disks without room."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
#: Nobody; a process of root's becomes one that may read everything, since Python itself may lie
#: where only root can read, but writes nowhere.
NOBODY = 65534


def as_nobody() -> list[str]:
    """What is put before a command, so that permissions hold for it."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, to be somebody else than root")
    kept = "-all,+dac_read_search"
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
               "--clear-groups", f"--inh-caps={kept}", f"--ambient-caps={kept}",
               f"--bounding-set={kept}"]  # fmt: skip
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("cannot be somebody else than root here")
    return command


def read_only(folder: pathlib.Path) -> pathlib.Path:
    """A folder that this user, or nobody in root's place, may not write to."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o555)
    return folder


def theirs(folder: pathlib.Path) -> pathlib.Path:
    """A folder that nobody may write to, too."""
    folder.mkdir(exist_ok=True)
    if not os.geteuid():
        os.chown(folder, NOBODY, NOBODY)
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    return folder


def run(folder, *command, before=(), **environment) -> subprocess.CompletedProcess:
    """Run Python with the project's modules in a folder."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return subprocess.run(
        [*before, sys.executable, *map(str, command)], cwd=folder, capture_output=True, text=True,
        check=False, env=given | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
                                  **environment},
    )  # fmt: skip


def limited(kilobytes: int) -> list[str]:
    """What is put before a command, so that no file of its may be larger: as a disk that is full.
    """
    return ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "--"]


def on_a_small_disk(folder: pathlib.Path, kilobytes: int) -> list[str]:
    """What is put before a command, so that a folder is a disk of its own."""
    mount = f"mount -t tmpfs -o size={kilobytes}k none {folder}"
    command = ["unshare", "-rm", "bash", "-c", f'{mount} && cd {folder} && exec "$@"', "--"]
    if shutil.which("unshare") is None or subprocess.run(
        [*command, "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("may not mount a disk here")
    return command
