"""The command line: every error is one line on standard error and exit code 2."""

import contextlib
import pathlib
import sys
import zipfile
from collections.abc import Callable, Iterator

import click
import numpy as np
import rich.console
import rich.progress

import models


class ArrayShape(click.ParamType):
    """``RxC``: the array's rows and columns."""

    name = "RxC"

    def convert(self, value, param, ctx):
        """Parse and check; whether the machine can be built is Params' decision."""
        from accel.params import ParamError, Params

        if isinstance(value, tuple):
            return value
        rows, cross, cols = value.lower().partition("x")
        if not (cross and rows.isdecimal() and cols.isdecimal()):
            self.fail(f"array must be RxC, for example 16x16, not {value!r}", param, ctx)
        try:
            Params(rows=int(rows), cols=int(cols))
        except ParamError as error:
            self.fail(f"array {value}: {error}", param, ctx)
        return int(rows), int(cols)


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Turn the package's own errors into one line and an exit code."""
    from accel.compiler import CompileError
    from accel.frontend import ModelError
    from accel.graph.ir import GraphError
    from accel.graph.ports import InputError
    from accel.params import ParamError
    from accel.sim.engine import SimulationError

    try:
        yield
    except (CompileError, ModelError, GraphError, ParamError, InputError) as error:
        failure = click.ClickException(str(error))
        failure.exit_code = 2
        raise failure from error
    except SimulationError as error:
        raise click.ClickException(str(error)) from error


@contextlib.contextmanager
def _progress(label: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on a terminal, nothing in a pipe."""
    console = rich.console.Console(stderr=True)
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    with rich.progress.Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


def _console() -> rich.console.Console:
    """Standard output; in a pipe wide enough for a table's rows to stay on one line."""
    console = rich.console.Console()
    return console if console.is_terminal else rich.console.Console(width=160)


def _read_inputs(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
    """``images`` and, where known, ``labels`` of an .npz file."""
    from accel.graph.ports import InputError

    try:
        with np.load(path, allow_pickle=False) as file:
            if "images" not in file.files:
                raise InputError(f"{path}: must hold an array 'images', has {file.files}")
            return file["images"], file["labels"] if "labels" in file.files else None
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise InputError(f"{path}: is not a readable .npz file: {error}") from error


@click.group()
@click.version_option(package_name="accel")
def main() -> None:
    """Simulate, check and build a CNN accelerator."""


@main.command("models")
def show_models() -> None:
    """List the built-in networks: layers, parameters, MACs."""
    from accel.frontend import load
    from accel.report.networks import describe

    with _one_line():
        console = _console()
        for model in models.BUILTIN.values():
            console.print(describe(model.name, model.summary, load(model.network)))


@main.command()
@click.argument("network")
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' and, where known, 'labels'.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Use only the first N images.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Images the machine computes together.")  # fmt: skip
@click.option("--array", type=ArrayShape(), default="16x16", show_default=True,
              help="Rows and columns of the MAC array.")  # fmt: skip
@click.option("--engine", type=click.Choice(["auto", "verilator", "pysim"]), default="auto",
              show_default=True, help="The simulator of the RTL.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where report.json and the plots go; by default reports/NETWORK.")  # fmt: skip
def run(network, inputs, limit, batch, array, engine, out) -> None:
    """Run NETWORK (a built-in name, or a path to .onnx) on the simulated accelerator.

    Every layer is compared with the golden model; the exit code is 0 only if every byte agrees.
    """
    from accel import runner
    from accel.graph.ports import InputError
    from accel.report import files, plot, table

    with _one_line():
        images, labels = _read_inputs(inputs) if inputs else (None, None)
        try:
            with _progress("reading") as progress:
                result = runner.run(
                    network, images, array=array, engine=engine, batch=batch, limit=limit,
                    labels=labels, progress=progress,
                )  # fmt: skip
        except InputError as error:
            raise InputError(f"{inputs}: {error}" if inputs else str(error)) from error
        report = result.report
        out = out or pathlib.Path("reports") / report["network"]
        try:
            out.mkdir(parents=True, exist_ok=True)
            files.write_json(report, out / "report.json")
            plot.utilisation(report, out / "utilisation.png")
        except OSError as error:
            raise InputError(f"{out}: cannot write the report: {error}") from error
    console = _console()
    console.print(table.render(report))
    if "accuracy" in report:
        right, of = report["accuracy"]["correct"], report["accuracy"]["images"]
        console.print(f"accuracy {right}/{of} = {right / of:.1%}")
    speed = report["simulation"]
    console.print(
        f"simulated in {speed['seconds']:.1f} s ({speed['cycles_per_second']:,.0f} cycles/s); "
        f"report in {out}",
        soft_wrap=True,
    )
    if report["total"]["mismatches"]:
        click.echo(f"Error: {report['total']['mismatches']} bytes differ from golden", err=True)
        sys.exit(1)


@main.command()
@click.option("--array", type=ArrayShape(), default="16x16", show_default=True,
              help="Rows and columns of the MAC array.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The Verilog file; standard output by default.")  # fmt: skip
def verilog(array, output) -> None:
    """Generate the accelerator's Verilog."""
    from accel.graph.ports import InputError
    from accel.params import Params
    from accel.report.files import write_text
    from accel.sim.verilog import emit

    with _one_line():
        text = emit(Params(rows=array[0], cols=array[1]))
        if output is None:
            click.echo(text, nl=False)
            return
        try:
            write_text(text, output)
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error}") from error


if __name__ == "__main__":
    main()
