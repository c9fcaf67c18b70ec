"""``accel bench``: measurements of speed."""

import os
import pathlib

import click

from accel.cli.common import one_line, progress_bar, terminal


@click.group()
def bench() -> None:
    """Measure speed."""


@bench.command("golden")
@click.option("--threads", "count", type=click.IntRange(min=1), default=os.cpu_count() or 1,
              help="For ours and ONNX Runtime; all processors by default.")  # fmt: skip
@click.option("--repeats", type=click.IntRange(min=1), default=20, show_default=True,
              help="Calls that each figure is the best of.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              default="reports/bench_golden", show_default=True,
              help="Where report.json and report.md go.")  # fmt: skip
def bench_golden(count, repeats, out) -> None:
    """The golden model's layers beside ONNX Runtime's, in one run."""
    from accel.bench import golden
    from accel.graph.ports import InputError
    from accel.report import bench_table, files

    with one_line():
        with progress_bar("warming up") as progress:
            report = golden.run(count, repeats, progress)
        try:
            out.mkdir(parents=True, exist_ok=True)
            files.write_json(report, out / "report.json")
            command = f"accel bench golden --threads {count} --repeats {repeats}"
            files.write_text(bench_table.markdown(report, command), out / "report.md")
        except OSError as error:
            raise InputError(f"{out}: cannot write the report: {error}") from error
    console = terminal()
    console.print(bench_table.render(report))
    missed = sum(not row["met"] for row in report["figures"])
    console.print(
        f"{len(report['figures']) - missed} targets met, {missed} missed; report in {out}",
        soft_wrap=True,
    )
