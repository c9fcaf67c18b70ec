"""``accel verilog`` and ``accel fpga``: the machine itself."""

import pathlib

import click

from accel.cli.common import ArrayShape, progress_bar, terminal
from accel.cli.exits import USAGE, failure, one_line


@click.command()
@click.option("--array", type=ArrayShape(), default="16x16", show_default=True,
              help="Rows and columns of the MAC array.")  # fmt: skip
@click.option("--window-taps", type=int,
              help="Elements that the window unit takes a cycle; 0 leaves it out.  "
              "By default 4; 2 with 128 columns.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The Verilog file; standard output by default.")  # fmt: skip
def verilog(array, window_taps, output) -> None:
    """Generate the accelerator's Verilog.

    One file of Verilog 2005 that is SystemVerilog, too; what it is, its ports and its registers
    stand at its top.
    """
    from accel.graph.ports import InputError
    from accel.params import Params
    from accel.report.files import write_text
    from accel.sim.written import emit

    with one_line():
        text = emit(Params(rows=array[0], cols=array[1], window_taps=window_taps))
        if output is None:
            click.echo(text, nl=False)
            return
        try:
            write_text(text, output)
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error}") from error


@click.command()
@click.option("--array", type=ArrayShape(), default="8x8", show_default=True,
              help="Rows and columns of the MAC array.")  # fmt: skip
@click.option("--input-bytes", type=int, default=32768, show_default=True,
              help="Size of the im2col line buffer.")  # fmt: skip
@click.option("--post-lanes", type=int, default=2, show_default=True,
              help="Physical requantiser lanes; a layer whose reduction fills at least "
              "columns/lanes weight tiles loses nothing by fewer.")  # fmt: skip
@click.option("--window-taps", type=int, default=0, show_default=True,
              help="Elements that the window unit takes a cycle; 0 leaves it out.")  # fmt: skip
@click.option("--device", default="ecp5-85k-8", show_default=True,
              help="The FPGA, ecp5-25k, 45k or 85k, and its speed grade, -6 or -8.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Placements to try; the fastest is reported.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Also write report.json, the netlists and logs here.")  # fmt: skip
def fpga(array, input_bytes, post_lanes, window_taps, device, seeds, out) -> None:
    """Place and route the core: LUT, FF, DSP, block RAM and clock."""
    from accel.fpga import FpgaError, place_and_route
    from accel.graph.ports import InputError
    from accel.params import Params
    from accel.report import files, fpga_table

    with one_line():
        try:
            with progress_bar("emit Verilog") as progress:
                params = Params(
                    rows=array[0], cols=array[1], input_bytes=input_bytes, post_lanes=post_lanes,
                    window_taps=window_taps,
                )  # fmt: skip
                result = place_and_route(
                    params, device=device, seeds=range(1, seeds + 1), directory=out,
                    progress=progress,
                )  # fmt: skip
            if out is not None:
                files.write_json(result, out / "report.json")
        except FpgaError as error:
            raise failure(str(error), USAGE) from error
        except OSError as error:
            raise InputError(f"{out}: cannot write the report: {error}") from error
    terminal().print(fpga_table.render(result))
