"""``accel run``: a network on the simulated RTL, held against the golden model."""

import pathlib

import click

from accel.cli import outcome
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
from accel.cli.exits import DIFFERS, FAILED, failure, internal, one_line
from accel.cli.machines import machine_options


@click.command()
@click.argument("network")
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' (or, of several inputs, an array for each by its "
              "name) and, where known, 'labels'.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Use only the first N images.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Images the machine computes together.")  # fmt: skip
@machine_options()
@click.option("--engine", type=click.Choice(["auto", "verilator", "pysim"]), default="auto",
              show_default=True, help="The simulator of the RTL.")  # fmt: skip
@click.option("--search", type=click.IntRange(min=0), default=0, metavar="N",
              help="Try up to N programs with the cycle model to find tilings that are faster for "
              "a whole batch.")  # fmt: skip
@click.option("--no-fusion", is_flag=True,
              help="Let every layer's result go to memory, where it is compared by itself.")
@click.option("--engines", is_flag=True,
              help="Also show what each engine did when, by the cycle model, in timeline.png and "
              "trace.json; its first use compiles the model, up to a minute.")  # fmt: skip
@shape_option
@exact_option
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where report.json and the plots go; by default build/run/NETWORK.")  # fmt: skip
@click.option("--dump", type=click.Path(file_okay=False, path_type=pathlib.Path), metavar="DIR",
              help="Also write every layer's inputs, weights and outputs here, as .npy and .hex, "
              "for accel compare.")  # fmt: skip
def run(
    network, inputs, limit, batch, machine, engine, search, no_fusion, engines, shapes, exact, out,
    dump,
) -> None:
    """Run NETWORK (a built-in name, or a path to .onnx or .tflite) on the simulated accelerator.

    A float file is quantised on the way, calibrated on at most 32 of the images; the
    quantised file is kept beside the report.  Built-in networks without a trained file have seeded
    random weights and images.

    Every layer is compared with the golden model; the exit code is 0 only if every byte agrees, 1
    if one differs or the machine reports an error, 2 for bad input, 3 for anything else.
    """
    from accel.dump.writer import check as check_dump
    from accel.graph.ports import InputError
    from accel.sim.engine import MachineError

    with one_line():
        if out is not None:
            prepare(out)
        else:
            check_place(results("run", pathlib.Path(network).stem))
        if dump is not None:
            check_dump(dump)
        images, labels = read_inputs(inputs) if inputs else (None, None)
        try:
            with progress_bar("reading") as progress:
                result, ended = _simulate(
                    network, images, machine=machine, engine=engine, batch=batch, limit=limit,
                    labels=labels, search=search, fusion=not no_fusion, engines=engines,
                    shapes=dict(shapes), exact=exact,
                    keep=out or results("run", pathlib.Path(network).stem), progress=progress,
                )  # fmt: skip
        except InputError as error:
            raise InputError(f"{inputs}: {error}" if inputs else str(error)) from error
    report = result.report | {"command": command_line()}
    if dump is not None:
        with one_line():
            result.dump(dump)
    out, problems = outcome.keep(
        report, out or results("run", report["network"]), result.inside
    )
    code = FAILED if problems else 0
    if ended is not None:
        outcome.keep_outputs(result.outputs, out)
        problems.insert(0, f"{_told(ended)}; what was computed before is in {out}")
        code = DIFFERS if isinstance(ended, MachineError) else FAILED
    outcome.show(report)
    speed = report["simulation"]
    terminal().print(
        f"simulated in {speed['seconds']:.1f} s ({speed['cycles_per_second']:,.0f} cycles/s); "
        f"report in {out}",
        soft_wrap=True,
    )
    if report["total"]["mismatches"]:
        problems.insert(0, f"{report['total']['mismatches']} bytes differ from golden")
        code = DIFFERS
    if problems:
        raise failure("; ".join(problems), code)


def _simulate(*arguments, **options):
    """A run's result, and the error that it ended with if something was computed before it."""
    from accel import runner
    from accel.sim.engine import SimulationError

    try:
        return runner.run(*arguments, **options), None
    except (SimulationError, runner.Unfinished) as error:
        if error.result is None:
            raise
        return error.result, error


def _told(error: Exception) -> str:
    """What a user is told of it: an error of this program's own with its traceback."""
    from accel.runner import Unfinished

    return internal(error.__cause__) if isinstance(error, Unfinished) else str(error)
