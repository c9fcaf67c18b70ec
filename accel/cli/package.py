"""``accel package``: a network as an IP with its driver, and the check of such a package."""

import pathlib

import click

from accel.cli.common import check_place, command_line, progress_bar, read_inputs
from accel.cli.exits import DIFFERS, failure, one_line
from accel.cli.machines import machine_options


@click.command()
@click.argument("network", metavar="NETWORK|DIR")
@machine_options("small")
@click.option("-o", "--output", type=click.Path(path_type=pathlib.Path),
              help="The folder; by default package_NETWORK here.")  # fmt: skip
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images' for the testbench.")  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Images that a run computes.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1, max=1000), default=2, show_default=True,
              help="Images that the testbench runs.")  # fmt: skip
@click.option("--check", "checked", is_flag=True,
              help="Compile the driver and run it on the Verilog; of a package that is there, "
              "name its folder.")  # fmt: skip
@click.option("--simulator", type=click.Choice(["icarus", "verilator"]), default="icarus",
              show_default=True, help="What --check runs in.")  # fmt: skip
def package(network, machine, output, inputs, batch, limit, checked, simulator) -> None:
    """Package NETWORK as an IP: Verilog, program image, C driver, register map, testbench.

    README.md in the folder tells the steps into one's own system.  With --check the driver is
    compiled with every warning an error and run on the Verilog: the exit code is 0 only if every
    byte of every stored tensor agrees with the golden model and every error is told as it should.
    """
    from accel.package import check
    from accel.package import package as write

    folder = output or pathlib.Path(f"package_{pathlib.Path(network).stem}")
    there = checked and output is None and pathlib.Path(network).is_dir()
    with one_line():
        if there:
            folder = pathlib.Path(network)
        else:
            check_place(folder)
            images = read_inputs(inputs)[0] if inputs else None
            with progress_bar("reading") as progress:
                about = write(
                    network, folder, machine, images, batch=batch, limit=limit,
                    command=command_line(), progress=progress,
                )  # fmt: skip
            click.echo(
                f"{folder}: {about['program']['commands']} commands, "
                f"{about['memory']['bytes']:,} bytes of memory, machine "
                f"{about['machine']['digest']}"
            )
            for node in about["left_out"]:
                click.echo(f"left to you: {node['name']} ({node['op']}), see README.md")
        if not checked:
            click.echo(f"see {folder / 'README.md'}; to check it: accel package --check {folder}")
            return
        click.echo(f"the driver on the Verilog, in {simulator}: this takes minutes", err=True)
        right, said = check(folder, simulator)
    click.echo(said)
    if not right:
        raise failure(f"{folder}: the check failed", DIFFERS)
