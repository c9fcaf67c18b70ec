"""How long things take: a vector's way through the machine, and the engines beside each other."""

import pathlib

from accel import params, recording
from accel.compiler import compile_graph
from accel.docs.pictures import example
from accel.opening import open_network
from accel.report.style import COLOURS, WINDOW, picture, plain
from accel.sim.engine import Memory

_BAR = COLOURS["useful"]


def stages(machine: params.Params) -> list[tuple[str, int]]:
    """A vector's way from its issue to its bytes, in cycles: accel.params' own numbers, last column
    of the array; a block of one vector and one tile."""
    return [
        ("line buffer", params.IM2COL_LATENCY),
        ("down the array", machine.rows - 1 + params.PE_LATENCY),
        ("last column", machine.cols - 1),
        ("bank handed over", 2),
        ("sums read", params.ACC_READ_LATENCY + 1),
        ("requantised", params.REQUANT_LATENCY),
        ("table, out", 2),
    ]


def way(path: pathlib.Path) -> None:
    """The stages of two machines, one behind the other."""
    machines = {"4x4": example.PARAMS, "16x16": params.Params()}
    with picture(path, len(machines), 1, figsize=(10, 4.2), sharex=True) as (figure, panels):
        for axes, (name, machine) in zip(panels, machines.items(), strict=True):
            begin = 0
            for number, (stage, cycles) in enumerate(stages(machine)):
                axes.barh(number, cycles, left=begin, color=_BAR, height=0.7)
                axes.text(begin + cycles + 0.5, number, f"{stage}: {cycles}", va="center",
                          fontsize=8)  # fmt: skip
                begin += cycles
            axes.set(title=f"{name}: {begin} cycles", yticks=[], ylim=(len(stages(machine)), -1))
            axes.set_xlim(0, 78)
            axes.title.set_fontsize(9)
            plain(axes)
            axes.spines["left"].set_visible(False)
        panels[-1].set_xlabel("cycles since a vector's issue", fontsize=9)
        figure.suptitle("One vector's way; behind it comes one in every cycle", fontsize=10)


def engines(path: pathlib.Path) -> None:
    """Keyword spotting on the 8x8 machine: who works when, by the exact cycle model."""
    machine = params.Params(rows=8, cols=8, bus_bytes=8)
    spans = recording.engines(compile_graph(open_network("kws"), machine, 1), Memory())
    names = [name for name, found in spans.items() if found]
    with picture(path, 1, 1, figsize=(10, 2.8)) as (figure, axes):
        for number, name in enumerate(names):
            colour = WINDOW if name.startswith("w") and name != "weights" else _BAR
            bars = [(begin, end - begin) for begin, end in spans[name]]
            axes.broken_barh(bars, (number - 0.35, 0.7), color=colour)
        axes.set_yticks(range(len(names)), [name.upper() for name in names])
        axes.invert_yaxis()
        axes.set_xlabel("cycle", fontsize=9)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        plain(axes)
        figure.suptitle(
            "kws on 8x8: each engine's commands under way; green is the window unit's", fontsize=10
        )
