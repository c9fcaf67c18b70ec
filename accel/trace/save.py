"""Files that show a waveform's signals by block: for GTKWave and for Surfer.

GTKWave: ``gtkwave X.fst X.gtkw``.  Surfer: ``surfer --command-file X.sucl X.fst``.
"""

import pathlib
import re

from accel.params import Params
from accel.trace.signals import Signal, of_file

#: The machine's blocks in the order of the data, and what each is.
BLOCKS = {
    "control": "control: registers, start, watchdog",
    "core.fetch": "fetch: commands from memory, and their queues",
    "core.reads": "reads: the AXI read channels' turns",
    "core.load": "load: activations into the line buffer",
    "core.weights": "weights: parameters and weight tiles",
    "core.exec": "exec: a vector a cycle through the array",
    "core.im2col": "im2col: the line buffer",
    "core.array": "array: the processing elements",
    "core.accumulator": "accumulator: sums of tiles",
    "core.post": "post: requantise, pool, store",
    "core.window": "window: depthwise, pools, sums and products",
    "core.writes": "writes: the AXI write channels' turns",
    "core.scoreboard": "scoreboard: what is completed",
    "core.counters": "counters: every cycle busy or idle for a cause",
}
_AXI = {"m_axi": "memory: AXI4", "s_axil": "registers: AXI4-Lite"}


def write(
    path: pathlib.Path, named: pathlib.Path, params: Params, title: str, marks: dict[str, int]
) -> tuple[pathlib.Path, ...]:
    """Write both files beside a waveform, which will be ``named``.

    ``marks`` are times, in the waveform's unit, by what they mean.
    """
    groups = list(grouped(of_file(path)))
    texts = {".gtkw": gtkwave(named, groups, title, marks), ".sucl": surfer(groups, title, marks)}
    files = []
    for suffix, text in texts.items():
        files.append(path.with_suffix(suffix))
        files[-1].write_text(text, encoding="utf-8")
    return tuple(files)


def grouped(signals: list[Signal]):
    """Pairs of a block's title and its ports; the pins of the machine come first."""
    top = [one for one in signals if one.scope in ("TOP", "bench.machine", "bench.top.machine")]
    pins = [one for one in top if not re.match("m_axi|s_axil", one.name)]
    yield "machine", pins
    for prefix, title in _AXI.items():
        yield title, [one for one in top if one.name.startswith(prefix)]
    for block, title in BLOCKS.items():
        # A block with a reset of its own lies in a shell of the same name.
        mine = [one for one in signals if re.search(rf"\.machine\.{re.escape(block)}$", one.scope)]
        named = [one for one in mine if "$" not in one.name]
        if named:
            counters = block == "core.counters"  # a word for each counter
            yield title, [one for one in named if counters or not one.element]


def gtkwave(path: pathlib.Path, groups, title: str, marks: dict[str, int]) -> str:
    """A GTKWave save file: a group that can be opened for each block, closed at first."""
    lines = [f'[dumpfile] "{path.resolve()}"', f"[timestart] {min(marks.values())}",
             f"*0 {marks['ends']} {' '.join(str(time) for time in marks.values())}",
             "@200", f"-{title}"]  # fmt: skip
    for name, signals in groups:
        lines += ["@c00200", f"-{name}"]
        for one in signals:
            lines += ["@28" if one.width == 1 else "@22", one.gtkwave]
        lines += ["@1401200", f"-{name}"]
    return "\n".join(lines) + "\n"


def surfer(groups, title: str, marks: dict[str, int]) -> str:
    """A file of Surfer's commands: a divider and its signals for each block."""
    lines = [f"divider_add {title}"]
    for name, signals in groups:
        lines.append(f"divider_add {name}")
        lines += [f"variable_add {one.surfer}" for one in signals]
    lines += [f"goto_time {marks['ends']}", "zoom_fit"]
    return "\n".join(lines) + "\n"
