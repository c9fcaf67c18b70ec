"""``accel sweep``: many machines over one network."""

import dataclasses
import os
import pathlib

import click

from accel.cli.common import (
    ArrayShape,
    command_line,
    progress_bar,
    results,
    terminal,
)
from accel.cli.exits import FAILED, USAGE, failure, interruption, one_line
from accel.cli.machines import machine_option
from accel.report.words import counted

#: Different errors of failed points that are shown.
_KINDS = 5
#: What is swept where neither a machine nor an array is given.
_ARRAYS = [(8, 8), (16, 16), (32, 32)]
#: Errors of points that nobody could evaluate, by their first word: there is no such machine, or
#: it cannot run the network.
_ASKED = ("ParamError", "CompileError")


class Several(click.ParamType):
    """Values of another type with commas between them."""

    def __init__(self, one: click.ParamType):
        self._one = one
        self.name = f"{one.name},..."

    def convert(self, value, param, ctx):
        """Convert each."""
        if not isinstance(value, str):
            return value
        return [self._one.convert(part.strip(), param, ctx) for part in value.split(",")]


class Number(click.ParamType):
    """A whole number; whether the machine can have it shows when its point is evaluated."""

    name = "N"

    def convert(self, value, param, ctx):
        """Parse and check."""
        if not (value.isascii() and value.isdecimal()) or not int(value) < 1 << 32:
            self.fail(f"must be whole numbers with commas between, not {value!r}", param, ctx)
        return int(value)


class Axis(click.ParamType):
    """``FIELD=N,...``: a field of the machine and its values."""

    name = "FIELD=N,..."

    def convert(self, value, param, ctx):
        """Parse; which fields there are is accel.dse.point's to say."""
        from accel.dse.point import Point

        if not isinstance(value, str):
            return value
        field, equals, values = value.partition("=")
        known = [one.name for one in dataclasses.fields(Point) if one.name not in ("rows", "cols")]
        if not equals or field not in known:
            self.fail(f"must be FIELD=N,... with FIELD one of {', '.join(known)}, not {value!r}",
                      param, ctx)  # fmt: skip
        return field, Several(Number()).convert(values, param, ctx)


def axis(option: str, text: str):
    """An option that is an axis of the sweep; without it the field is the machine's."""
    return click.option(option, type=Several(Number()), help=text)


def _points(machine: str, arrays, axes: dict[str, list[int]]):
    """The points of the sweep: the machine's fields, but for those that are swept."""
    from accel.dse.point import from_machine
    from accel.machines import open_machine

    if arrays is None and machine == "default":
        arrays = _ARRAYS
    return from_machine(open_machine(machine), arrays, axes)


@click.command()
@click.argument("network")
@click.option("--array", "arrays", type=Several(ArrayShape()),
              help="Rows and columns of the MAC array; by default the machine's, and for "
              "`default` 8x8,16x16,32x32.")  # fmt: skip
@machine_option()
@axis("--input-bytes", "Sizes of the im2col line buffer.")
@axis("--acc-rows", "Rows of the accumulators, in both banks together.")
@axis("--weight-tiles", "Depths of the weight FIFO in tiles.")
@axis("--window-taps", "Elements that the window unit takes a cycle; 0 leaves it out.")
@axis("--post-lanes", "Physical requantiser lanes.")
@axis("--bus-bytes", "Widths of the bus: bytes a cycle.")
@axis("--latency", "Cycles until the memory answers.")
@axis("--batch", "Images computed together.")
@click.option("--set", "more", type=Axis(), multiple=True,
              help="Values of any other field of the machine or its memory (see accel machine); "
              "can be given several times.")  # fmt: skip
@click.option("--engine", type=click.Choice(["model", "verilator", "pysim"]), default="model",
              show_default=True, help="What counts the cycles.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1,
              help="Processes on this machine; all processors by default.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS",
              help="Use the workers of an existing Dask cluster instead.")  # fmt: skip
@click.option("--retry-failed", is_flag=True, help="Evaluate points again that failed before.")
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where the results go; by default build/sweep/NETWORK.")  # fmt: skip
def sweep(
    network, arrays, machine, more, engine, jobs, scheduler, retry_failed, out, **axes
) -> None:
    """Count NETWORK's cycles on every combination of the given sizes.

    NETWORK is a built-in name, or a path to .onnx or .tflite.

    Writes results.parquet, the same as results.csv, pareto.png, and index.html, in which the points
    can be filtered and opened. The same command continues an interrupted sweep, and other sizes
    with the same --out add to it: files, table, plot and page then show the points of all. A point
    that fails is recorded with its error.
    """
    from accel.dse.rows import read
    from accel.dse.sweep import sweep as evaluate
    from accel.opening import open_network
    from accel.report import pareto, sweep_page, sweep_table

    axes = {name: values for name, values in axes.items() if values is not None} | dict(more)
    with one_line():
        points = _points(machine, arrays, axes)
        graph = open_network(network)
        out = out or results("sweep", graph.name)
        try:
            with progress_bar("reading") as progress:
                rows = evaluate(
                    graph, points, out, engine=engine, jobs=jobs, scheduler=scheduler,
                    retry_failed=retry_failed, progress=progress,
                )  # fmt: skip
        except KeyboardInterrupt as error:
            said, code = interruption(error)
            raise failure(
                f"{said}; the same command continues from what {out} has", code
            ) from None
    known = read(out / "results.parquet")  # of other commands with this folder, too
    title = f"{graph.name}: {counted(len(known), 'point')}, engine {engine}"
    if any(row["status"] == "ok" for row in known):
        machines = sweep_table.machines(known)
        pareto.draw(known, f"{title}\n{machines}", out / "pareto.png")
    sweep_page.write(out / "index.html", known, network, graph.name, command_line(), engine)
    if any(row["status"] == "ok" for row in known):
        terminal().print(sweep_table.render(known, f"{title}: those that nothing beats"))
    _tell(rows, len(known), out)


def _tell(rows: list[dict], known: int, out: pathlib.Path) -> None:
    """Say which of this command's points failed, and where the results are; it is an error if all
    failed."""
    failed = [row for row in rows if row["status"] != "ok"]
    kinds = list(dict.fromkeys(row["error"] for row in failed))
    for error in kinds[:_KINDS]:
        click.echo(f"failed: {error}", err=True)
    if len(kinds) > _KINDS:
        click.echo(f"failed: {len(kinds) - _KINDS} more errors, see results.parquet", err=True)
    before = f", with {known - len(rows)} of other commands" if known > len(rows) else ""
    click.echo(f"{len(rows)} points, {len(failed)} failed; results in {out}{before}")
    if len(failed) == len(rows):
        asked = all(row["error"].startswith(_ASKED) for row in rows)
        raise failure("every point failed", USAGE if asked else FAILED)
