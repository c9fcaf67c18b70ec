"""``accel trace``: the waveform of a layer."""

import pathlib
import re

import click

from accel.cli.common import check_place, progress_bar, read_inputs, results, terminal
from accel.cli.exits import one_line
from accel.cli.machines import machine_options


class Cycles(click.ParamType):
    """``A:B``: cycles from A to B - 1."""

    name = "A:B"

    def convert(self, value, param, ctx):
        """Parse; accel.trace checks."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+):(\d+)", value, re.ASCII)
        if not found or not int(found[1]) < int(found[2]) < 1 << 40:
            self.fail(f"cycles must be A:B with 0 <= A < B, not {value!r}", param, ctx)
        return int(found[1]), int(found[2])


@click.command()
@click.argument("network")
@click.option("--layer", required=True, metavar="NAME",
              help="A layer or a node in it, or its number from 0.")  # fmt: skip
@click.option("--cycles", type=Cycles(), metavar="A:B",
              help="Cycles to write, by the machine's own counter, as the report's timeline has "
              "them; by default the layer's, at most 200,000.")  # fmt: skip
@click.option("--input", "inputs", type=click.Path(path_type=pathlib.Path),
              help="An .npz file with 'images', the first of which is used.")  # fmt: skip
@machine_options()
@click.option("--engine", type=click.Choice(["auto", "verilator", "pysim"]), default="auto",
              show_default=True, help="The simulator of the RTL; pysim writes VCD.")  # fmt: skip
@click.option("--form", type=click.Choice(["fst", "vcd"]), default="fst", show_default=True,
              help="The waveform's format.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              help="Where the files go; by default build/trace/NETWORK.")  # fmt: skip
def trace(network, layer, cycles, inputs, machine, engine, form, out) -> None:
    """Write the waveform of a layer of NETWORK on the machine's RTL, for one image.

    NETWORK is a built-in name, or a path to .onnx or .tflite. Beside the waveform are a save file
    for GTKWave (.gtkw) and one for Surfer (.sucl), with the signals by block. The first time, a
    simulator with waveforms is built, which takes longer than the fast one of `accel run`.
    """
    from accel.trace import START
    from accel.trace import trace as write

    out = out or results("trace", pathlib.Path(network).stem)
    with one_line():
        check_place(out)
        images = read_inputs(inputs)[0] if inputs else None
        with progress_bar("reading") as progress:
            made = write(
                network, layer, out,
                machine=machine, engine=engine, cycles=cycles, inputs=images, form=form,
                progress=progress,
            )  # fmt: skip
    for line in (
        f"{made.layer.name}: cycles {made.begins:,} to {made.ends:,} of the machine, written "
        f"{made.first:,} to {made.last:,} (cycle n is at {START} + n periods of 10 ns)",
        "counters at its end: " + ", ".join(f"{name} {n:,}" for name, n in made.counters.items()),
        f"gtkwave {made.path} {made.saves[0]}",
        f"surfer --command-file {made.saves[1]} {made.path}",
    ):
        terminal().print(line, soft_wrap=True, highlight=False)
