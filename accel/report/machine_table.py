"""The table of ``accel machine --list``: the machines with names, and how large they are."""

import rich.box
import rich.table

from accel.machines import names, open_machine
from accel.machines.sizes import HOW, SIZES, USES


def render() -> rich.table.Table:
    """A row for each machine, with what it takes of an ECP5 where that was measured."""
    table = rich.table.Table(
        title="machines with names", box=rich.box.SIMPLE_HEAD, caption=HOW, caption_justify="left"
    )
    for column, justify in (
        ("name", "left"), ("array", "right"), ("input KiB", "right"), ("window taps", "right"),
        ("bus bytes", "right"), ("LUT", "right"), ("flip-flops", "right"), ("DSP", "right"),
        ("block RAM", "right"), ("for", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)
    for name in names():
        params, size = open_machine(name).params, SIZES.get(name)
        figures = (size.lut, size.ff, size.dsp, size.block_ram) if size else [None] * 4
        table.add_row(
            name, f"{params.rows}x{params.cols}", f"{params.input_bytes / 1024:g}",
            str(params.window_taps), str(params.bus_bytes),
            *("-" if figure is None else f"{figure:,}" for figure in figures), USES[name],
        )  # fmt: skip
    return table
