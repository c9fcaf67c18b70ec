"""The options that say which machine is meant, the same for every command; ``accel machine``."""

import functools
import pathlib

import click

from accel.cli.common import ArrayShape, terminal, write_or_print
from accel.cli.exits import one_line

#: The options for what is changed most often: the field, and what it means.
FIELDS = {
    "--bus-bytes": ("bus_bytes", "Width of the bus to the memory: bytes a cycle."),
    "--latency": ("latency_cycles", "Cycles until the memory answers; no matter of the hardware."),
    "--input-bytes": ("input_bytes", "Size of the im2col line buffer."),
    "--acc-rows": ("acc_rows", "Rows of the accumulators, in both banks together."),
    "--window-taps": ("window_taps", "Elements that the window unit takes a cycle; 0 leaves it "
                      "out."),
    "--post-lanes": ("post_lanes", "Physical requantiser lanes; a layer whose reduction fills at "
                     "least columns/lanes weight tiles loses nothing by fewer."),
}  # fmt: skip
#: The same for a DRAM behind the bus, which no sweep knows; `accel machine` names the chips.
DRAM = {
    "--dram": ("dram", "DRAM chip behind the bus, such as ddr3-1600x16; no matter of the "
               "hardware."),
    "--clock": ("clock_mhz", "The machine's clock in MHz, which tells how fast a DRAM is beside "
                "it."),
}  # fmt: skip


def machine_options(base: str = "default"):
    """Options that give a command one parameter, ``machine``: accel.machines.Machine.

    Args:
        base: the name of the machine that is meant where none is given.
    """

    known = FIELDS | DRAM

    def add(command):
        @functools.wraps(command)
        def with_machine(*arguments, machine, array, **options):
            given = {field: options.pop(field) for field, _ in known.values()}
            changes = {field: value for field, value in given.items() if value is not None}
            if array is not None:
                changes |= {"rows": array[0], "cols": array[1]}
            with one_line():
                from accel.machines import open_machine

                meant = open_machine(machine, changes)
            return command(*arguments, machine=meant, **options)

        for option, (field, text) in reversed(known.items()):
            kind = str if field == "dram" else int
            with_machine = click.option(option, field, type=kind, help=text)(with_machine)
        with_machine = click.option(
            "--array", type=ArrayShape(), help="Rows and columns of the MAC array."
        )(with_machine)
        return machine_option(base)(with_machine)

    return add


def machine_option(base: str = "default"):
    """``--machine`` alone."""
    return click.option(
        "--machine", default=base, show_default=True, metavar="NAME|FILE.toml",
        help="The machine: ecp5, small, default, large, or a file as `accel machine` writes it. "
        "The options for single fields change it.",
    )  # fmt: skip


@click.command("machine")
@click.argument("machine", default="default", metavar="[NAME|FILE.toml]")
@click.option("--list", "listed", is_flag=True, help="The machines with names, and their size.")
@click.option("--check", is_flag=True, help="Only say whether the machine can be built.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="The file to write; standard output by default.")  # fmt: skip
def show_machine(machine, listed, check, output) -> None:
    """Print a machine's file in full: every field, its value, and what it means.

    The machine is one of those with names, or a .toml file, which is checked; what a file leaves
    out is as in the default machine.  What is printed can be changed and given to --machine.
    """
    from accel import machines
    from accel.report import machine_table

    with one_line():
        if listed:
            terminal().print(machine_table.render())
            return
        found = machines.open_machine(machine)
        if check:
            click.echo(f"{machine}: can be built. {machines.describe(found)}")
            return
        write_or_print(machines.written(found), output)
