"""``accel train``: from images to a float network file."""

import pathlib

import click

from accel.cli.common import check_place, command_line, progress_bar, terminal
from accel.cli.exits import failure, interruption, one_line
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
              help="An .npz file with 'images' and 'labels' to learn from.")  # fmt: skip
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

    Without --data: on 4,000 of the 5,000 digits that ship, for lenet5 and shallow; on drawn
    images (seeded: shapes to tell apart), for all others. They show that training works; for a
    network that knows something bring images.

    Writes the float .onnx, a checkpoint after every epoch, history and curves, index.html, which
    shows them with the first layer's filters, gradients and wrong answers, and the images that
    `accel quantize` and `accel run` take next.
    """
    from accel.train import session
    from accel.train.gap import why_below

    choices = {name: value for name, value in choices.items() if value is not None}
    if batch_size is not None:
        choices["batch_size"] = None if batch_size == "all" else batch_size
    out = out or pathlib.Path("build") / network
    with one_line():
        check_place(out)
        try:
            with progress_bar("reading") as progress:
                trainer, files = session.train(
                    network, folder=out, data=data, held_back=held_back, epochs=epochs,
                    resume=resume, progress=progress, tell=click.echo, command=command_line(),
                    **choices,
                )  # fmt: skip
        except KeyboardInterrupt as error:
            said, code = interruption(error)
            begun = (out / "checkpoint.npz").exists()
            how = f"the same command with --resume continues from {out}"
            raise failure(
                f"{said}; {how if begun else 'no epoch was over: start again'}", code
            ) from None
    last = trainer.history[-1]
    console = terminal()
    console.print(
        f"{network}: {counted(last['epoch'], 'epoch')} of {counted(len(trainer.data), 'image')}, "
        f"{counted(last['iterations'], 'iteration')}, loss {last['loss']:.4f}\n"
        f"held-back accuracy {last['held_back_accuracy']:.2%} of {len(trainer.held_back):,} images",
        soft_wrap=True,
    )
    note = why_below(trainer.network, trainer.settings, trainer.history)
    if note:
        console.print(note, soft_wrap=True)
    for layer, (dead, units) in last["dead_relus"].items():
        if dead:
            console.print(f"{layer}: {dead} of {units} units without any gradient (dying ReLU)")
    beside = "checkpoint, curves and index.html"
    console.print(f"wrote {files.model}; {beside} beside it", soft_wrap=True)
