"""``accel estimate``: the cycle model alone, in the form of a run."""

import pathlib

import click

from accel.cli import outcome, scalesim
from accel.cli.common import (
    check_place,
    command_line,
    exact_option,
    prepare,
    progress_bar,
    read_inputs,
    results,
    shape_option,
    terminal,
)
from accel.cli.exits import FAILED, failure, one_line
from accel.cli.machines import machine_options


@click.command()
@click.argument("network", required=False)
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images'; only their number matters, and of a float file "
              "that it is calibrated on them.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1),
              help="Use N images, or only the first N; by default one batch.")  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Images the machine computes together.")  # fmt: skip
@machine_options()
@click.option("--search", type=click.IntRange(min=0), default=0, metavar="N",
              help="Try up to N programs with the cycle model to find tilings that are faster for "
              "a whole batch.")  # fmt: skip
@click.option("--no-fusion", is_flag=True,
              help="For comparison: let every layer's result go to memory.")
@shape_option
@exact_option
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where report.json and the plots go; by default build/estimate/NETWORK; with "
              "--scalesim report.json, and nowhere by default.")  # fmt: skip
@click.option("--scalesim", "topology", type=click.Path(path_type=pathlib.Path),
              help="Instead of NETWORK: a SCALE-Sim topology file (.csv), whose layers are "
              "compared with its counts.")  # fmt: skip
@click.option("--scalesim-config", "config", type=click.Path(path_type=pathlib.Path),
              help="A SCALE-Sim configuration (.cfg): its array is the default then.")  # fmt: skip
def estimate(
    network, inputs, limit, batch, machine, search, no_fusion, shapes, exact, out, topology, config
) -> None:
    """Predict what `accel run` counts for NETWORK, exactly, without simulating or computing it.

    NETWORK is a built-in name, or a path to .onnx or .tflite.  A float file is quantised on
    the way, calibrated on the images given, or else on a seeded random one.
    """
    if (network is None) == (topology is None):
        raise click.UsageError("give either NETWORK or --scalesim FILE.csv")
    if config is not None and topology is None:
        raise click.UsageError("--scalesim-config belongs to --scalesim, not to NETWORK")
    if topology is not None:
        for option, value in (
            ("--search", search), ("--input", inputs), ("--limit", limit), ("--batch", batch > 1),
            ("--shape", shapes), ("--exact", exact), ("--no-fusion", no_fusion),
        ):  # fmt: skip
            if value:
                raise click.UsageError(f"{option} belongs to NETWORK, not to --scalesim")
        scalesim.compare(topology, config, machine, out)
        return
    from accel.estimate import estimate as predict

    with one_line():
        if out is not None:
            prepare(out)
        else:
            check_place(results("estimate", pathlib.Path(network).stem))
        images = limit
        given = read_inputs(inputs)[0] if inputs else None
        if given is not None:
            count = len(next(iter(given.values())) if isinstance(given, dict) else given)
            images = min(count, limit or count)
        with progress_bar("reading") as progress:
            report = predict(
                network, machine=machine, batch=batch, images=images, search=search, engines=True,
                fusion=not no_fusion, inputs=given, shapes=dict(shapes), exact=exact,
                progress=progress,
                keep=out or results("estimate", pathlib.Path(network).stem),
            )  # fmt: skip
    report |= {"command": command_line()}
    outcome.show(report)  # drawing takes longer than predicting
    out, problems = outcome.keep(report, out or results("estimate", report["network"]))
    speed = report["simulation"]
    terminal().print(
        f"predicted in {speed['seconds']:.2f} s ({speed['cycles_per_second']:,.0f} cycles/s); "
        f"report in {out}",
        soft_wrap=True,
    )
    if problems:
        raise failure("; ".join(problems), FAILED)
