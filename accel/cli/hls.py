"""``accel hls``: a network as plain C++ for high-level synthesis, held against the golden model."""

import pathlib

import click

from accel.cli.common import check_place, progress_bar, read_inputs, terminal
from accel.cli.exits import DIFFERS, FAILED, failure, one_line

#: Images that --limit may ask for.
MOST_IMAGES = 1_000_000


@click.command()
@click.argument("network")
@click.option("-o", "--output", type=click.Path(path_type=pathlib.Path),
              help="The folder; by default hls_NETWORK here.")  # fmt: skip
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' to compare on.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1, max=MOST_IMAGES), default=1, show_default=True,
              help="Use only the first N images.")  # fmt: skip
@click.option("--check/--no-check", "checked", default=True, show_default=True,
              help="Compile the C++ and compare every layer with the golden model.")  # fmt: skip
def hls(network, output, inputs, limit, checked) -> None:
    """Export NETWORK (a built-in name, or a path to .onnx or .tflite) as C++.

    The folder holds the layers as loop nests, the network's constants, a testbench, and a README.
    The exit code is 0 only if every byte of every layer agrees with the golden model, or with
    --no-check.
    """
    from accel.graph.ports import InputError
    from accel.hls import export
    from accel.own_folder import FolderError
    from accel.report import hls_table

    folder = output or pathlib.Path(f"hls_{pathlib.Path(network).stem}")
    with one_line():
        check_place(folder)
        images = read_inputs(inputs)[0] if inputs else None
        try:
            with progress_bar("reading") as progress:
                report = export(
                    network, folder, images, limit=limit, checked=checked, progress=progress
                )
        except FolderError:
            raise
        except InputError as error:
            raise InputError(f"{inputs}: {error}" if inputs else str(error)) from error
    console = terminal()
    console.print(hls_table.render(report))
    for line in hls_table.notes(report, folder):
        console.print(line, soft_wrap=True, highlight=False)
    if checked and "skipped" in report["check"]:
        raise failure(f"nothing was compared: {report['check']['skipped']}", FAILED)
    if report["total"]["differing"]:
        raise failure(f"{report['total']['differing']} bytes differ from golden", DIFFERS)
