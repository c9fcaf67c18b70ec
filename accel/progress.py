"""Progress where a person looks: a notebook, a terminal; or lines in a pipe."""

import contextlib
import html
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import rich.console
import rich.progress

Progress = Callable[[str, float], None]
#: Seconds between two changes of what a notebook shows.
_PAUSE = 0.1
#: Seconds between two lines of a pipe.
_LINES = 10.0


@contextlib.contextmanager
def progress_bar(label: str = "accel") -> Iterator[Progress]:
    """A bar for what :func:`accel.run`, ``estimate`` and ``sweep`` take as ``progress``.

    In a notebook it is the browser's own bar (it needs no widgets), on a terminal a line that goes
    when all is done, elsewhere a plain line every ten seconds on standard error.

    Args:
        label: what is shown before the first stage.

    Returns:
        A context manager that gives a function of a stage and a share from 0 to 1.

    Raises:
        Nothing of its own.

    >>> import accel
    >>> with accel.progress_bar() as progress:
    ...     report = accel.estimate("notes", array=(4, 4), progress=progress)
    >>> report["total"]["cycles"]
    1209
    """
    display, console = _notebook(), rich.console.Console(stderr=True)
    if display is not None:
        bar = _Bar(display, label)
        try:
            yield bar
            bar("done", 1.0)
        finally:
            bar.end()
        return
    with (_terminal if console.is_terminal else _lines)(label, console) as tell:
        yield tell


@contextlib.contextmanager
def _terminal(label: str, console: rich.console.Console) -> Iterator[Progress]:
    """A bar on a terminal."""
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=1.0)

        def tell(stage: str, share: float) -> None:
            bar.update(task, description=stage, completed=share)

        yield tell


@contextlib.contextmanager
def _lines(label: str, console: rich.console.Console) -> Iterator[Progress]:
    """Say every ten seconds what is being done; what takes less says nothing."""
    ended, began = threading.Event(), time.monotonic()
    now = (label, 0.0)

    def tell(stage: str, share: float) -> None:
        nonlocal now
        now = stage, share

    def say() -> None:
        while not ended.wait(_LINES):
            stage, share = now
            percent = f", {share:.0%}" if share else ""
            seconds = time.monotonic() - began
            console.out(f"{seconds:.0f} s: {stage}{percent}", highlight=False)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        ended.set()
        thread.join()


def _notebook() -> Any:
    """The module that shows things in the notebook that this runs in; None elsewhere."""
    ipython = sys.modules.get("IPython")  # loaded wherever there is a notebook
    shell = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "kernel"):
        return None
    return importlib.import_module("IPython.display")


class _Bar:
    """A bar in a notebook's output, changed in place."""

    def __init__(self, display: Any, label: str):
        self._display = display
        self._began = self._last = time.monotonic()
        self._stage, self._share = label, 0.0
        self._handle = display.display(display.HTML(self._text()), display_id=True)

    def __call__(self, stage: str, share: float) -> None:
        """Take a stage and its share; show them if the last change is a while ago."""
        fresh = stage != self._stage
        self._stage, self._share = stage, min(max(share, 0.0), 1.0)
        if fresh or time.monotonic() - self._last >= _PAUSE:
            self._update()

    def end(self) -> None:
        """Show how it ended."""
        self._update()

    def _update(self) -> None:
        self._last = time.monotonic()
        self._handle.update(self._display.HTML(self._text()))

    def _text(self) -> str:
        seconds = time.monotonic() - self._began
        return (
            f'<progress value="{self._share:.3f}" max="1"></progress> '
            f"{self._share:.0%} {html.escape(self._stage)}, {seconds:.0f} s"
        )
