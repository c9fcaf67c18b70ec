"""The table that ``accel fpga`` prints."""

import statistics

import rich.box
import rich.table

from accel.machines.text import in_words

_ROWS = {"lut": "LUT", "ff": "flip-flops", "dsp": "DSP (18x18)", "block_ram": "block RAM (18 kbit)"}


def render(result: dict) -> rich.table.Table:
    """A table of what a placed and routed machine takes, and how fast its clock may be."""
    array = result["array"]
    placed = "device" in result
    place = f"on {result['device']}" if placed else "for an ECP5, synthesised and not placed"
    table = rich.table.Table(
        title=f"{array['rows']}x{array['cols']} core {place}",
        box=rich.box.SIMPLE_HEAD,
        caption=f"{result['machine']['name']}: {in_words(result['params'])}",
        caption_justify="left",
    )
    for column, justify in (("resource", "left"), ("used", "right"), ("of", "right")):
        table.add_column(column, justify=justify)
    for key, name in _ROWS.items():
        count = result[key]
        table.add_row(name, f"{count['used']:,}", f"{count['available']:,}" if placed else "-")
    if not placed:
        return table
    table.add_section()
    table.add_row("clock, MHz", f"{result['clock_mhz']['achieved']:.1f}", "")
    if len(result["seeds"]) > 1:
        for seed, clock in result["seeds"].items():
            table.add_row(f"  with seed {seed}", f"{clock:.1f}", "")
        table.add_row("  median", f"{statistics.median(result['seeds'].values()):.1f}", "")
    return table
