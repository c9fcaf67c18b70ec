"""``accel bench``: measurements of speed."""

import contextlib
import pathlib

import click

from accel.cli.common import ArrayShape, check_place, progress_bar, terminal, writing
from accel.cli.exits import one_line


@click.group()
def bench() -> None:
    """Measure speed."""


def _measured(what: str, repeats: int, out: str):
    """Options of a measurement: how often, and where its report goes."""

    def add(command):
        command = click.option(
            "--out", type=click.Path(file_okay=False, path_type=pathlib.Path), default=out,
            show_default=True, help="Where report.json and report.md go.",
        )(command)  # fmt: skip
        return click.option(
            "--repeats", type=click.IntRange(min=1), default=repeats, show_default=True,
            help=f"{what} that each figure is the best of.",
        )(command)  # fmt: skip

    return add


@bench.command("golden")
@click.option("--threads", "count", type=click.IntRange(min=1), default=1, show_default=True,
              help="For ours and ONNX Runtime.")  # fmt: skip
@_measured("Calls", 100, "build/bench/golden")
def bench_golden(count, repeats, out) -> None:
    """The golden model's layers beside ONNX Runtime's, in one run."""
    from accel.bench import golden
    from accel.report import bench_table

    with one_line():
        check_place(out)
    with one_line(), _compared(), progress_bar("warming up") as progress:
        report = golden.run(count, repeats, progress)
    _publish(report, bench_table, f"accel bench golden --threads {count} --repeats {repeats}", out)
    missed = sum(not row["met"] for row in report["figures"])
    _conclude(len(report["figures"]), missed, out)


@bench.command("sim")
@click.option("--array", "arrays", type=ArrayShape(), multiple=True,
              default=("8x8", "16x16", "32x32"), show_default=True,
              help="RxC; may be given several times.")  # fmt: skip
@_measured("Runs", 5, "build/bench/sim")
def bench_sim(arrays, repeats, out) -> None:
    """The simulated machine beside its bare array and pysim, built anew, in one run."""
    from accel.bench import sim
    from accel.report import sim_table

    with one_line():
        check_place(out)
    with one_line(), _compared(), progress_bar("building") as progress:
        report = sim.run(list(arrays), repeats, progress)
    chosen = " ".join(f"--array {rows}x{cols}" for rows, cols in arrays)
    _publish(report, sim_table, f"accel bench sim {chosen} --repeats {repeats}", out)
    targets = [row[f"{name}_met"] for row in report["figures"]
               for name in ("of_bare", "of_pysim", "build")]  # fmt: skip
    _conclude(len(targets), targets.count(False), out)


@contextlib.contextmanager
def _compared():
    """Say in one line that what was to be measured computes something else than its yardstick."""
    try:
        yield
    except AssertionError as error:
        raise click.ClickException(
            f"{error}; nothing that is wrong is measured: please report this, with the processor"
        ) from error


def _publish(report, table, command, out) -> None:
    """Write a report and print its table."""
    from accel.report import files

    with one_line(), writing(out):
        files.write_json(report, out / "report.json")
        files.write_text(table.markdown(report, command), out / "report.md")
    terminal().print(table.render(report))


def _conclude(targets, missed, out) -> None:
    """Say how many targets are met."""
    terminal().print(f"{targets - missed} targets met, {missed} missed; report in {out}",
                     soft_wrap=True)  # fmt: skip
