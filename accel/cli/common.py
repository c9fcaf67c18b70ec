"""What the commands share: types, progress, inputs, where results go."""

import contextlib
import pathlib
import shlex
import sys
import tempfile
from collections.abc import Iterator

import click
import rich.console

from accel.cli.exits import ARGUMENTS
from accel.errors import why
from accel.progress import progress_bar as progress_bar


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


class InputShape(click.ParamType):
    """``NAME=1x3x224x224``: a network input's shape, batch first."""

    name = "NAME=1x3x224x224"

    def convert(self, value, param, ctx):
        """Parse; whether it fits the file is the importer's decision."""
        if isinstance(value, tuple):
            return value
        name, equals, text = value.rpartition("=")
        dims = text.lower().split("x")
        if not (equals and name and all(dim.isascii() and dim.isdecimal() for dim in dims)):
            self.fail(f"shape must be NAME=1x3x224x224, not {value!r}", param, ctx)
        return name, tuple(map(int, dims))


#: The option for what a float file leaves open; it gives pairs of a name and a shape.
shape_option = click.option(
    "--shape", "shapes", type=InputShape(), multiple=True,
    help="The shape of an input, batch first, where a float file leaves dimensions open; can be "
    "given for several inputs.",
)  # fmt: skip
#: The option for results that are the runtime's to the byte.
exact_option = click.option(
    "--exact", is_flag=True,
    help="Let the host compute what the machine may compute a step off ONNX Runtime, which has it "
    "in float32: averages, batch normalisations on their own, linear resizing and the like "
    "(accel operators lists them).",
)  # fmt: skip


@contextlib.contextmanager
def writing(out: pathlib.Path) -> Iterator[None]:
    """Make the folder of a report that is written inside; what cannot be is one clear error."""
    from accel.graph.ports import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(f"{out}: cannot write the report: {why(error, out)}") from error


def prepare(out: pathlib.Path) -> None:
    """Make the folder of a report before there is one: not after an hour's work it is an error."""
    with writing(out), tempfile.TemporaryFile(dir=out):
        pass


def check_place(path: pathlib.Path) -> None:
    """Refuse a file or folder that this user cannot make, before the work that it is to hold.

    Nothing is made: where it was not asked for, an error in the network comes first.

    Raises:
        InputError: naming the place and the rule.
    """
    from accel.graph.ports import InputError

    if path.exists() and not path.is_file() and not path.is_dir():
        return  # a pipe, which is written as it is
    place = path.parent if path.is_file() else path
    there = next(one for one in (place, *place.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        error.filename = str(there)
        raise InputError(f"{path}: cannot be written: {why(error, path)}") from error


class _Console(rich.console.Console):
    """A console that leaves a reader who has gone to accel.cli.exits; rich itself exits with 1."""

    def on_broken_pipe(self) -> None:
        """Pass on the error that rich has caught."""
        raise


def terminal() -> rich.console.Console:
    """Standard output; in a pipe wide enough for a table's rows to stay on one line.

    Names of networks and files are printed as they are, brackets and colons included.
    """
    width = None if sys.stdout.isatty() else 160
    return _Console(width=width, markup=False, emoji=False)


def read_inputs(path: pathlib.Path):
    """``images``, at least one, and, where known, ``labels`` of an .npz file.

    Without ``images`` the file has an array for each of the network's inputs, by its name.
    """
    from accel import npz
    from accel.graph.ports import InputError

    arrays = npz.read(path, "images", optional=["labels"], instead=True)
    for name in arrays.keys() - {"labels"}:
        if arrays[name].ndim == 0 or len(arrays[name]) == 0:
            raise InputError(f"{path}: {name} must be at least one, not of shape "
                             f"{arrays[name].shape}")
    if "images" in arrays:
        return arrays["images"], arrays.get("labels")
    labels = arrays.pop("labels", None)
    return arrays, labels


def command_line() -> str | None:
    """The command that runs, as it was typed; None where it did not begin with ``accel``."""
    given = click.get_current_context().meta.get(ARGUMENTS)
    return None if given is None else shlex.join(["accel", *given])


def results(kind: str, name: str) -> pathlib.Path:
    """Where results go that nobody gave a place for: nothing there is tracked in a checkout."""
    return pathlib.Path("build") / kind / name


def write_or_print(text: str, path: pathlib.Path | None) -> None:
    """Write ``text`` to a file, whole or not at all; without one, to standard output."""
    from accel.graph.ports import InputError
    from accel.report.files import write_text

    if path is None:
        click.echo(text, nl=False)
        return
    try:
        write_text(text, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {why(error, path)}") from error
