"""``accel run``: a network on the simulated RTL, held against the golden model."""

import pathlib
import sys

import click

from accel.cli.common import (
    ArrayShape,
    one_line,
    progress_bar,
    read_inputs,
    terminal,
    writing,
)


@click.command()
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
@click.option("--search", type=click.IntRange(min=0), default=0, metavar="N",
              help="Try up to N programs with the cycle model to find tilings that are faster for "
              "a whole batch.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where report.json and the plots go; by default reports/NETWORK.")  # fmt: skip
def run(network, inputs, limit, batch, array, engine, search, out) -> None:
    """Run NETWORK (a built-in name, or a path to .onnx or .tflite) on the simulated accelerator.

    Built-in networks without a trained file have seeded random weights and images.

    Every layer is compared with the golden model; the exit code is 0 only if every byte agrees.
    """
    from accel import runner
    from accel.graph.ports import InputError
    from accel.report import folder

    with one_line():
        images, labels = read_inputs(inputs) if inputs else (None, None)
        try:
            with progress_bar("reading") as progress:
                result = runner.run(
                    network, images, array=array, engine=engine, batch=batch, limit=limit,
                    labels=labels, search=search, engines=True, progress=progress,
                )  # fmt: skip
        except InputError as error:
            raise InputError(f"{inputs}: {error}" if inputs else str(error)) from error
        report = result.report
        _show(report)
        out = out or pathlib.Path("reports") / report["network"]
        with writing(out):
            folder.write(report, out)
    speed = report["simulation"]
    terminal().print(
        f"simulated in {speed['seconds']:.1f} s ({speed['cycles_per_second']:,.0f} cycles/s); "
        f"report in {out}",
        soft_wrap=True,
    )
    if report["total"]["mismatches"]:
        click.echo(f"Error: {report['total']['mismatches']} bytes differ from golden", err=True)
        sys.exit(1)


def _show(report: dict) -> None:
    """Print the layers, and what the search and the labels say."""
    from accel.report import table

    console = terminal()
    console.print(table.render(report))
    if "search" in report:
        console.print(table.searched(report["search"]))
    if "accuracy" in report:
        right, of = report["accuracy"]["correct"], report["accuracy"]["images"]
        console.print(f"accuracy {right}/{of} = {right / of:.1%}")
