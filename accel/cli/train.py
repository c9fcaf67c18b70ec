"""``accel train`` and ``accel quantize``: from images to an int8 network file."""

import pathlib

import click

from accel.cli.common import progress_bar, read_inputs, terminal
from accel.cli.exits import INTERRUPTED, failure, one_line
from accel.report.words import counted


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


@click.command()
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
    with one_line():
        try:
            with progress_bar("reading") as progress:
                trainer, files = session.train(
                    network, folder=out, data=data, held_back=held_back, epochs=epochs,
                    resume=resume, progress=progress, **choices,
                )  # fmt: skip
        except KeyboardInterrupt:
            raise failure(
                f"interrupted; the same command with --resume continues from {out}", INTERRUPTED
            ) from None
    last = trainer.history[-1]
    console = terminal()
    console.print(
        f"{network}: {counted(last['epoch'], 'epoch')} of {counted(len(trainer.data), 'image')}, "
        f"{counted(last['iterations'], 'iteration')}, loss {last['loss']:.4f}\n"
        f"held-back accuracy {last['held_back_accuracy']:.2%} of {len(trainer.held_back):,} images",
        soft_wrap=True,
    )
    for layer, (dead, units) in last["dead_relus"].items():
        if dead:
            console.print(f"{layer}: {dead} of {units} units without any gradient (dying ReLU)")
    console.print(f"wrote {files.model}, checkpoint and curves beside it", soft_wrap=True)


@click.command()
@click.argument("float_model", metavar="FLOAT.onnx",
                type=click.Path(dir_okay=False, path_type=pathlib.Path))  # fmt: skip
@click.option("--calibrate", required=True, type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' in the model's own layout.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The int8 model; by default FLOAT_int8.onnx.")  # fmt: skip
@click.option("--per-channel", is_flag=True, help="One weight scale per output channel.")
@click.option("--format", "form", type=click.Choice(["qdq", "qoperator"]), default="qdq",
              show_default=True, help="How the file writes quantised layers.")  # fmt: skip
@click.option("--reduce-range", is_flag=True,
              help="Weights of 7 bits (-64 to 64) instead of 8, at a cost in accuracy, for files "
                   "that ONNX Runtime shall also run as it is by default: without VNNI its kernels "
                   "add pairs of products in 16 bits, which full weights overflow. Accelerator and "
                   "golden model are exact without it.")  # fmt: skip
def quantize(float_model, calibrate, output, per_channel, form, reduce_range) -> None:
    """Quantise a float ONNX model to int8 with ONNX Runtime's own tools."""
    from accel.frontend.onnx import quantize
    from accel.graph.ports import InputError

    output = output or float_model.with_name(f"{float_model.stem}_int8.onnx")
    with one_line():
        images, _ = read_inputs(calibrate)
        try:
            with progress_bar("calibrating"):
                quantize.quantize(
                    float_model, output, images, per_channel=per_channel, form=form,
                    reduce_range=reduce_range,
                )  # fmt: skip
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error}") from error
    terminal().print(f"wrote {output}, calibrated on {len(images)} images", soft_wrap=True)
