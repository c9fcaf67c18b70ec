"""Commands as processes: in a folder and a home of their own, in a session of their own."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

from tests.killed.works import Work

ROOT = pathlib.Path(__file__).parents[2]
#: Seconds that a command may take on however busy a machine.
PATIENCE = 600
#: Where a command leaves the number of its file operations.
COUNTED = "counted"


def environment(folder: pathlib.Path, home: pathlib.Path) -> dict[str, str]:
    """Its environment: nothing that it writes goes anywhere else."""
    for name in (home, folder / "tmp"):
        name.mkdir(parents=True, exist_ok=True)
    found = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return found | {
        "HOME": str(home), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100",
    }  # fmt: skip


def start(
    folder: pathlib.Path, work: Work, moment: int = 0, number: int = signal.SIGKILL,
    home: pathlib.Path | None = None, arguments: tuple[str, ...] | None = None,
) -> subprocess.Popen:
    """Start a command, which gets a signal before a file operation, or counts them."""
    given = environment(folder, home or folder / "home")
    with (folder / "tmp" / "said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.killed.victim", str(moment), str(int(number)),
             str(folder / "tmp" / COUNTED), work.module, *(arguments or work.arguments)],
            cwd=folder, env=given, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def end(process: subprocess.Popen, number: int = signal.SIGKILL, all_of_it: bool = True) -> None:
    """Send a signal to a command, or to all the processes that it has started, too."""
    with contextlib.suppress(ProcessLookupError):
        if all_of_it:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)


def said(folder: pathlib.Path) -> str:
    """What the command in a folder has said last."""
    return (folder / "tmp" / "said").read_text(errors="replace")
