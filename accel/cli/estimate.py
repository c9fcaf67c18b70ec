"""``accel estimate``: the cycle model alone, in the form of a run."""

import pathlib

import click

from accel.cli.common import ArrayShape, one_line, progress_bar, read_inputs, terminal


@click.command()
@click.argument("network")
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images'; only their number matters.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1),
              help="Use N images, or only the first N; by default one batch.")  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Images the machine computes together.")  # fmt: skip
@click.option("--array", type=ArrayShape(), default="16x16", show_default=True,
              help="Rows and columns of the MAC array.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where report.json and the plot go; by default reports/NETWORK.")  # fmt: skip
def estimate(network, inputs, limit, batch, array, out) -> None:
    """Predict what `accel run` counts for NETWORK, exactly, without simulating or computing it."""
    from accel.estimate import estimate as predict
    from accel.graph.ports import InputError
    from accel.report import files, plot, table

    with one_line():
        images = limit
        if inputs:
            known = len(read_inputs(inputs)[0])
            images = min(known, limit or known)
        with progress_bar("reading") as progress:
            report = predict(network, array=array, batch=batch, images=images, progress=progress)
        out = out or pathlib.Path("reports") / report["network"]
        try:
            out.mkdir(parents=True, exist_ok=True)
            files.write_json(report, out / "report.json")
            plot.utilisation(report, out / "utilisation.png")
        except OSError as error:
            raise InputError(f"{out}: cannot write the report: {error}") from error
    console = terminal()
    console.print(table.render(report))
    speed = report["simulation"]
    console.print(
        f"predicted in {speed['seconds']:.2f} s ({speed['cycles_per_second']:,.0f} cycles/s); "
        f"report in {out}",
        soft_wrap=True,
    )
