"""``accel verilog`` and ``accel fpga``: the machine itself."""

import pathlib

import click

from accel.cli.common import check_place, progress_bar, terminal, write_or_print
from accel.cli.exits import USAGE, failure, one_line
from accel.cli.machines import machine_options


@click.command()
@machine_options()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The Verilog file; standard output by default.")  # fmt: skip
def verilog(machine, output) -> None:
    """Generate the accelerator's Verilog.

    One file of Verilog 2005 that is SystemVerilog, too; what it is, its ports and its registers
    stand at its top.
    """
    from accel.sim.written import emit

    with one_line():
        if output is not None:
            check_place(output)
        write_or_print(emit(machine.params), output)


@click.command()
@machine_options("ecp5")
@click.option("--device", default="ecp5-85k-8", show_default=True,
              help="The FPGA, ecp5-25k, 45k or 85k, and its speed grade, -6 or -8.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Placements to try; the fastest is reported.")  # fmt: skip
@click.option("--no-place", is_flag=True,
              help="Only synthesise, in minutes: what the core takes, without clock.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Also write report.json, the netlists and logs here.")  # fmt: skip
def fpga(machine, device, seeds, no_place, out) -> None:
    """Place and route the core: LUT, FF, DSP, block RAM and clock."""
    from accel.errors import why
    from accel.fpga import FpgaError, place_and_route, synthesised
    from accel.graph.ports import InputError
    from accel.machines import report as described
    from accel.report import files, fpga_table

    with one_line():
        if out is not None:
            check_place(out)
        try:
            with progress_bar("emit Verilog") as progress:
                if no_place:
                    result = synthesised(machine.params, out, progress)
                else:
                    result = place_and_route(
                        machine.params, device=device, seeds=range(1, seeds + 1), directory=out,
                        progress=progress,
                    )  # fmt: skip
            result |= {"machine": described(machine)}
            if out is not None:
                files.write_json(result, out / "report.json")
        except FpgaError as error:
            raise failure(str(error), USAGE) from error
        except OSError as error:
            raise InputError(f"{out}: cannot write the report: {why(error, out)}") from error
    terminal().print(fpga_table.render(result))
