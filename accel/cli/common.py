"""What the commands share: types, errors as one line, progress, inputs."""

import contextlib
import pathlib
import sys
from collections.abc import Callable, Iterator

import click
import numpy as np
import rich.console
import rich.progress


class ArrayShape(click.ParamType):
    """``RxC``: the array's rows and columns."""

    name = "RxC"

    def convert(self, value, param, ctx):
        """Parse and check; whether the machine can be built is Params' decision."""
        from accel.params import ParamError, Params

        if isinstance(value, tuple):
            return value
        rows, cross, cols = value.lower().partition("x")
        if not (cross and value.isascii() and rows.isdecimal() and cols.isdecimal()):
            self.fail(f"array must be RxC, for example 16x16, not {value!r}", param, ctx)
        try:
            Params(rows=int(rows), cols=int(cols))
        except ParamError as error:
            self.fail(f"array {value}: {error}", param, ctx)
        return int(rows), int(cols)


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Turn the package's own errors into one line and an exit code."""
    from accel.compiler import CompileError
    from accel.dse.errors import SweepError
    from accel.frontend import ModelError
    from accel.graph.ir import GraphError
    from accel.graph.ports import InputError
    from accel.network import NetworkError
    from accel.npz import NpzError
    from accel.params import ParamError
    from accel.scalesim.errors import ScaleSimError
    from accel.sim.engine import SimulationError
    from accel.train import TrainingError

    try:
        yield
    except (
        CompileError, ModelError, GraphError, ParamError, InputError, NetworkError, TrainingError,
        SweepError, ScaleSimError, NpzError,
    ) as error:
        failure = click.ClickException(str(error))
        failure.exit_code = 2
        raise failure from error
    except SimulationError as error:
        raise click.ClickException(str(error)) from error
    except MemoryError as error:
        raise click.ClickException(f"not enough memory: {error}") from error


@contextlib.contextmanager
def writing(out: pathlib.Path) -> Iterator[None]:
    """Make the folder of a report that is written inside; what cannot be is one clear error."""
    from accel.graph.ports import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(f"{out}: cannot write the report: {error}") from error


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on a terminal, nothing in a pipe."""
    console = rich.console.Console(stderr=True)
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    with rich.progress.Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


def terminal() -> rich.console.Console:
    """Standard output; in a pipe wide enough for a table's rows to stay on one line.

    Names of networks and files are printed as they are, brackets and colons included.
    """
    width = None if sys.stdout.isatty() else 160
    return rich.console.Console(width=width, markup=False, emoji=False)


def read_inputs(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
    """``images``, at least one, and, where known, ``labels`` of an .npz file."""
    from accel import npz
    from accel.graph.ports import InputError

    arrays = npz.read(path, "images", optional=["labels"])
    images = arrays["images"]
    if images.ndim == 0 or len(images) == 0:
        raise InputError(f"{path}: images must be at least one, not of shape {images.shape}")
    return images, arrays.get("labels")
