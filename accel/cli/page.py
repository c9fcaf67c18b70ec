"""``accel page``: a network on the machine's RTL in a web page."""

import pathlib

import click

from accel.cli.common import check_place, progress_bar, read_inputs, terminal, write_or_print
from accel.cli.exits import one_line
from accel.cli.machines import machine_options


@click.command()
@click.argument("network", default="lenet5")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The page; by default NETWORK.html here.")  # fmt: skip
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' to choose from in the page and, where known, "
              "'labels'.")  # fmt: skip
@machine_options("small")
def page(network, output, inputs, machine) -> None:
    """Write a web page in which NETWORK (by default lenet5) runs on the machine's RTL.

    One file, without a request to anywhere: draw a digit and the RTL, compiled to WebAssembly,
    computes it; see the layers' activation maps; stop the machine in any cycle and look into array,
    buffers and queues.  NETWORK is a built-in name, or a path to .onnx or
    .tflite; a float file is quantised on the way, calibrated on the images of --input.

    Before the page is written, its machine computes the first picture, and every byte is compared
    with the golden model.  Needs what pip install 'cnn-accel[page]' brings.
    """
    from accel.page.page import make

    path = output or pathlib.Path(f"{pathlib.Path(network).stem}.html")
    with one_line():
        check_place(path)
        images, labels = read_inputs(inputs) if inputs else (None, None)
        with progress_bar("reading") as progress:
            text, found = make(network, images, labels, machine, progress)
        write_or_print(text, path)
    terminal().print(
        f"{path}: {len(text):,} bytes; its first picture took {found['cycles']:,} cycles, and "
        f"{found['compared']:,} of {found['compared']:,} bytes equal golden's",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
