"""``accel quantize``: a float ONNX or TFLite file to an int8 one, and what that costs."""

import pathlib

import click

from accel.cli.common import check_place, progress_bar, read_inputs, shape_option, terminal
from accel.cli.exits import one_line
from accel.report.words import counted


@click.command()
@click.argument("network", metavar="FLOAT",
                type=click.Path(dir_okay=False, path_type=pathlib.Path))  # fmt: skip
@click.option("--calibrate", required=True, type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' in the model's own layout.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The int8 model; by default FLOAT_int8 beside it.")  # fmt: skip
@click.option("--per-channel", is_flag=True, help="One weight scale per output channel.")
@click.option("--reduce-range", is_flag=True,
              help="Weights of 7 bits (-64 to 64) instead of 8, at a cost in accuracy, for files "
                   "that ONNX Runtime shall also run as it is by default: without VNNI its kernels "
                   "add pairs of products in 16 bits, which full weights overflow. Accelerator and "
                   "golden model are exact without it.")  # fmt: skip
@click.option("--method", type=click.Choice(["minmax", "entropy", "percentile"]),
              default="minmax", show_default=True,
              help="How calibration finds the range of a tensor.")  # fmt: skip
@click.option("--activations", type=click.Choice(["int8", "uint8"]), default="int8",
              show_default=True, help="The type of activations.")  # fmt: skip
@click.option("--keep-float", multiple=True, metavar="NODE",
              help="A node that stays float, on the host; can be given several times.")  # fmt: skip
@shape_option
@click.option("--form", "--format", "form", type=click.Choice(["qdq", "qoperator"]),
              default="qdq", show_default=True,
              help="How the file writes quantised layers.")  # fmt: skip
@click.option("--no-compare", is_flag=True, help="Do not compare with the float model.")
def quantize(network, calibrate, output, shapes, no_compare, **options) -> None:
    """Quantise a FLOAT.onnx to int8 with ONNX Runtime's own tools, or a FLOAT.tflite with Google's.

    Tells before it begins what will not run on the machine, and at the end how far each layer is
    from the float model's, over the same images.
    """
    from accel.errors import why
    from accel.frontend.quantising import Options, float_model
    from accel.graph.ports import InputError
    from accel.report import fidelity, quantised

    output = output or network.with_name(f"{network.stem}_int8{network.suffix}")
    console = terminal()
    with one_line():
        images, _ = read_inputs(calibrate)
        check_place(output)
        with progress_bar("preparing") as progress:
            model = float_model(network, dict(shapes))
            images = model.check(images)
            missing = model.missing(images)
        console.print(quantised.missing(missing))
        try:
            with progress_bar("calibrating"):
                graph = model.quantize(output, images, Options(**options))
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {why(error, output)}") from error
        count = len(next(iter(images.values())))
        console.print(f"wrote {output}, calibrated on {counted(count, 'image')}", soft_wrap=True)
        if no_compare:
            return
        with progress_bar("comparing") as progress:
            found = fidelity.compare(
                graph, model.reference(graph), images, progress
            )
    console.print(fidelity.render(found, f"{output.name} against {network.name}"))
