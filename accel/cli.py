"""The command line: every error is one line on standard error and exit code 2."""

import contextlib
import os
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
    from accel.network import NetworkError
    from accel.params import ParamError
    from accel.sim.engine import SimulationError
    from accel.train import TrainingError

    try:
        yield
    except (
        CompileError, ModelError, GraphError, ParamError, InputError, NetworkError, TrainingError
    ) as error:
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
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
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
@click.argument("network", required=False)
@click.option("--onnx", "output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="Write NETWORK with seeded random weights as a float .onnx file.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True,
              help="Of the random weights.")  # fmt: skip
def show_models(network, output, seed) -> None:
    """List the built-in networks, or the layers of one NETWORK."""
    from accel.frontend import load
    from accel.graph.ports import InputError
    from accel.report import networks

    console = _console()
    with _one_line():
        if network is None:
            if output is not None:
                raise InputError("--onnx needs the name of a network")
            console.print(networks.overview(_overview()))
            return
        if network not in {**models.NETWORKS, **models.BUILTIN}:
            names = ", ".join({**models.BUILTIN, **models.NETWORKS})
            raise InputError(f"network must be one of {names}, not {network!r}")
        if network not in models.NETWORKS:
            if output is not None:
                raise InputError(f"network {network!r} is an int8 file, not a float definition")
            one = models.BUILTIN[network]
            console.print(networks.describe(one.name, one.summary, load(one.network)))
            return
        found = models.NETWORKS[network].build()
        if output is None:
            console.print(networks.describe_float(found))
            return
        _write_random(found, seed, output)
        console.print(f"{output}: {network} with random weights, seed {seed}", soft_wrap=True)


def _overview():
    """One row of ``accel models`` for every network."""
    from accel.frontend import load
    from accel.report import networks

    for name, model in models.BUILTIN.items():
        if name not in models.NETWORKS:
            yield name, *networks.figures(load(model.network)), "trained int8 file"
    for name, definition in models.NETWORKS.items():
        net = definition.build()
        weights = "trained int8 file" if name in models.BUILTIN else "random, or your own .onnx"
        yield name, net.input_shape, len(net.nodes), net.parameter_count, net.macs, weights


def _write_random(network, seed: int, output: pathlib.Path) -> None:
    """Write a network with seeded random weights as float ONNX."""
    from accel.frontend.onnx_export import to_bytes
    from accel.graph.ports import InputError
    from accel.report.files import replacing

    network.initialise(seed)
    try:
        with replacing(output) as temporary:
            temporary.write_bytes(to_bytes(network))
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error}") from error


class BatchSize(click.ParamType):
    """A number of images, or "all" for the whole batch."""

    name = "N|all"

    def convert(self, value, param, ctx):
        """Parse; Settings checks the range."""
        if value == "all" or value is None:
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"batch size must be a whole number or 'all', not {value!r}", param, ctx)


@main.command()
@click.argument("network")
@click.option("--data", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' and 'labels'.")  # fmt: skip
@click.option("--held-back", type=int, metavar="N",
              help="The last N images only measure; a fifth by default.")  # fmt: skip
@click.option("--epochs", type=int, help="How often every image is used.")
@click.option("--batch-size", type=BatchSize(),
              help="Images of an update: 1 is by sample, all the whole batch.")  # fmt: skip
@click.option("--optimiser", help="sgd, momentum or adam.")
@click.option("--learning-rate", type=float, help="Step size of the first epoch.")
@click.option("--decay", type=float, help="Factor of the learning rate after each epoch.")
@click.option("--loss", help="cross_entropy or half_squared.")
@click.option("--seed", type=int, help="Of weights, order, dropout and jitter.")
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where the files go; by default build/NETWORK.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in the same folder.")
def train(network, data, held_back, epochs, out, resume, batch_size, **choices) -> None:
    """Train a built-in NETWORK in float; options not given come from its recipe.

    Writes the float .onnx, a checkpoint after every epoch, history and curves, and the images
    that `accel quantize` and `accel run` take next.
    """
    from accel.train import session

    choices = {name: value for name, value in choices.items() if value is not None}
    if batch_size is not None:
        choices["batch_size"] = None if batch_size == "all" else batch_size
    out = out or pathlib.Path("build") / network
    with _one_line():
        try:
            with _progress("reading") as progress:
                trainer, files = session.train(
                    network, folder=out, data=data, held_back=held_back, epochs=epochs,
                    resume=resume, progress=progress, **choices,
                )  # fmt: skip
        except KeyboardInterrupt:
            failure = click.ClickException(
                f"interrupted; the same command with --resume continues from {out}"
            )
            failure.exit_code = 130
            raise failure from None
    last = trainer.history[-1]
    console = _console()
    console.print(
        f"{network}: {last['epoch']} epochs of {len(trainer.data):,} images, "
        f"{last['iterations']:,} iterations, loss {last['loss']:.4f}\n"
        f"held-back accuracy {last['held_back_accuracy']:.2%} of {len(trainer.held_back):,} images",
        soft_wrap=True,
    )
    for layer, (dead, units) in last["dead_relus"].items():
        if dead:
            console.print(f"{layer}: {dead} of {units} units without any gradient (dying ReLU)")
    console.print(f"wrote {files.model}, checkpoint and curves beside it", soft_wrap=True)


@main.command()
@click.argument("float_model", metavar="FLOAT.onnx",
                type=click.Path(dir_okay=False, path_type=pathlib.Path))  # fmt: skip
@click.option("--calibrate", required=True, type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' in the model's own layout.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The int8 model; by default FLOAT_int8.onnx.")  # fmt: skip
@click.option("--per-channel", is_flag=True, help="One weight scale per output channel.")
@click.option("--format", "form", type=click.Choice(["qdq", "qoperator"]), default="qdq",
              show_default=True, help="How the file writes quantised layers.")  # fmt: skip
def quantize(float_model, calibrate, output, per_channel, form) -> None:
    """Quantise a float ONNX model to int8 with ONNX Runtime's own tools."""
    from accel.frontend import onnx_quantize
    from accel.graph.ports import InputError

    output = output or float_model.with_name(f"{float_model.stem}_int8.onnx")
    with _one_line():
        images, _ = _read_inputs(calibrate)
        try:
            with _progress("calibrating"):
                onnx_quantize.quantize(
                    float_model, output, images, per_channel=per_channel, form=form
                )
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error}") from error
    _console().print(f"wrote {output}, calibrated on {len(images)} images", soft_wrap=True)


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


@main.command()
@click.option("--array", type=ArrayShape(), default="8x8", show_default=True,
              help="Rows and columns of the MAC array.")  # fmt: skip
@click.option("--input-bytes", type=int, default=32768, show_default=True,
              help="Size of the im2col line buffer.")  # fmt: skip
@click.option("--post-lanes", type=int, default=2, show_default=True,
              help="Physical requantiser lanes; a layer whose reduction fills at least "
              "columns/lanes weight tiles loses nothing by fewer.")  # fmt: skip
@click.option("--device", default="ecp5-85k", show_default=True, help="The FPGA.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Placements to try; the fastest is reported.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Also write report.json, the netlists and logs here.")  # fmt: skip
def fpga(array, input_bytes, post_lanes, device, seeds, out) -> None:
    """Place and route the core: LUT, FF, DSP, block RAM and clock."""
    from accel.fpga import FpgaError, place_and_route
    from accel.params import Params
    from accel.report import files, fpga_table

    with _one_line():
        try:
            with _progress("emit Verilog") as progress:
                params = Params(
                    rows=array[0], cols=array[1], input_bytes=input_bytes, post_lanes=post_lanes
                )
                result = place_and_route(
                    params, device=device, seeds=range(1, seeds + 1), directory=out,
                    progress=progress,
                )  # fmt: skip
        except FpgaError as error:
            failure = click.ClickException(str(error))
            failure.exit_code = 2
            raise failure from error
        if out is not None:
            files.write_json(result, out / "report.json")
    _console().print(fpga_table.render(result))


@main.group()
def bench() -> None:
    """Measure speed."""


@bench.command("golden")
@click.option("--threads", "count", type=click.IntRange(min=1), default=os.cpu_count() or 1,
              help="For ours and ONNX Runtime; all processors by default.")  # fmt: skip
@click.option("--repeats", type=click.IntRange(min=1), default=20, show_default=True,
              help="Calls that each median is of.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              default="reports/bench_golden", show_default=True,
              help="Where report.json goes.")  # fmt: skip
def bench_golden(count, repeats, out) -> None:
    """The golden model's layers beside ONNX Runtime's, in one run."""
    from accel.bench import golden
    from accel.graph.ports import InputError
    from accel.report import bench_table, files

    with _one_line():
        with _progress("warming up") as progress:
            report = golden.run(count, repeats, progress)
        try:
            out.mkdir(parents=True, exist_ok=True)
            files.write_json(report, out / "report.json")
        except OSError as error:
            raise InputError(f"{out}: cannot write the report: {error}") from error
    console = _console()
    console.print(bench_table.render(report))
    missed = sum(not row["met"] for row in report["figures"])
    console.print(
        f"{len(report['figures']) - missed} targets met, {missed} missed; report in {out}",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
