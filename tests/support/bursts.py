"""What memories get to see: beats a burst, and what a DRAM makes of them.

    python -m tests.support.bursts [--report reports/dram.md] [FILE.onnx ...]

All by the cycle model, whose counters, bursts and row hits are the RTL's (tests/cyclemodel).
"""

import argparse
import dataclasses
import pathlib
import time

from accel import floats
from accel.compiler import Mapping, compile_graph
from accel.cyclemodel import predict
from accel.dram import CHIPS
from accel.params import Params
from accel.report import bus
from accel.sim.engine import Memory

#: Networks, and the machines (array and bytes of bus) on which their bursts are counted.
NETWORKS = {
    "resnet8": (8, 16), "kws": (8, 16), "mobilenet": (8, 16), "mobilenet_v1": (16, 32),
    "mobilenet_v2": (16, 32), "squeezenet": (16, 32), "googlenet": (16,), "resnet18": (16, 32),
    "resnet50": (16, 32),
}  # fmt: skip
#: Networks on DRAMs, with array and clock in MHz.
ON_DRAM = [(name, size, clock) for size, clock in ((8, 100), (16, 200))
           for name in ("resnet8", "kws", "mobilenet")]  # fmt: skip
#: What a file's layers or a built-in network are also called.
CALLED = {"kws": "keyword spotting", "mobilenet": "VWW (MobileNetV1 0.25, 96x96)"}
#: Parts of a table's cell about engines.
_ENGINES = ("weights", "load", "wload", "post", "window")


@dataclasses.dataclass(frozen=True)
class Count:
    """What a network's commands take: cycles, and what passed the bus, by engine and in total."""

    cycles: int
    bursts: dict[str, int]
    beats: dict[str, int]
    total: dict[str, int]

    @property
    def average(self) -> float:
        """Beats a burst."""
        return sum(self.beats.values()) / sum(self.bursts.values())

    def engine(self, name: str) -> str:
        """An engine's bursts, and beats in each."""
        bursts = self.bursts[name]
        return f"{bursts:,} x {self.beats[name] / bursts:.1f}" if bursts else "-"


def count(graph, params: Params, memory: Memory | None = None, by_groups: bool = True) -> Count:
    """Predict one image of a network; tensors may lie in memory by channel groups, or not."""
    memory = memory or Memory()
    program = compile_graph(graph, params, 1, data=False, mapping=Mapping(grouped=by_groups))
    cycles, parts = 0, []
    for step in program.steps:
        if step.commands:
            seen = {}
            counters, _ = predict(
                params, program.image, step.start, step.commands, **memory.timing, traffic=seen
            )
            cycles += counters["cycles"]
            parts.append(seen)
    added = {
        what: {name: sum(part[what][name] for part in parts) for name in parts[0][what]}
        for what in ("bursts", "beats", "total")
    }
    return Count(cycles, **added)


def machine(size: int) -> Params:
    """An array of ``size`` rows and columns, with as many bytes of bus."""
    return Params(rows=size, cols=size, bus_bytes=size)


def title(name: str) -> str:
    """What a network is called in a table."""
    return CALLED.get(name, pathlib.Path(name).stem)


def bursts_table(networks: dict[str, tuple[int, ...]]) -> list[str]:
    """Beats a burst, with the pixels of all tensors in one piece and by channel groups."""
    lines = [
        "| network | machine | beats a burst before | now | cycles before | now | "
        + " | ".join(f"{name} before, now" for name in _ENGINES) + " |",
        "|---|---|" + "---:|" * (4 + len(_ENGINES)),
    ]
    for name, sizes in networks.items():
        graph, _ = floats.opened(name, None, random=True)
        for size in sizes:
            params = machine(size)
            before, now = (count(graph, params, by_groups=groups) for groups in (False, True))
            cells = [f"{before.average:.1f}", f"{now.average:.1f}", f"{before.cycles:,}",
                     f"{now.cycles:,}"]  # fmt: skip
            cells += [f"{before.engine(one)}, {now.engine(one)}" for one in _ENGINES]
            lines.append(f"| {title(name)} | {size}x{size}, {size} bytes | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    return lines


def dram_table() -> list[str]:
    """DRAMs beside an ideal memory of the same bandwidth."""
    lines = [
        "| network | machine | chip | ideal: bytes a cycle | cycles | with the DRAM | slower by "
        "| row hits | misses, conflicts | turn-arounds | refreshes |",
        "|---|---|---|" + "---:|" * 8,
    ]
    for name, size, clock in ON_DRAM:
        graph, _ = floats.opened(name, None, random=True)
        for chip in CHIPS:
            memory = Memory(dram=chip, clock_mhz=clock)
            ideal = count(graph, machine(size), bus.without_dram(memory, size))
            found = count(graph, machine(size), memory)
            seen, all_bursts = found.total, sum(found.bursts.values())
            cells = [
                f"{size}x{size}, {size} bytes, {clock} MHz", chip, str(memory.rate(size)),
                f"{ideal.cycles:,}", f"{found.cycles:,}", f"{found.cycles / ideal.cycles - 1:.1%}",
                f"{seen['row_hits'] / all_bursts:.1%}",
                f"{seen['row_misses']:,}, {seen['row_conflicts']:,}", f"{seen['turnarounds']:,}",
                f"{seen['refreshes']:,}",
            ]  # fmt: skip
            lines.append(f"| {title(name)} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    return lines


def written(command: str, networks: dict[str, tuple[int, ...]]) -> str:
    """The whole report."""
    return "\n".join([
        "# Bursts, and what a DRAM makes of them",
        "",
        f"`{command}`, {time.strftime('%Y-%m-%d')}.  By the cycle model, which counts what the RTL "
        "counts; batch 1, latency 32.",
        "",
        "Before: a pixel's channels side by side in memory, so that a pass of the array or of the "
        "window unit writes a few bytes of every pixel.  Now: tensors that only the machine sees "
        "lie by channel groups, where rules say that it costs no time (accel/compiler/grouped.py; "
        "the cycles tell whether they are right).  By engine: bursts x beats in each.",
        "",
        *bursts_table(networks),
        "",
        "DRAMs (accel/dram.py: timing figures and where they are from; accel/sim/dram.py: the "
        "rules) beside an ideal memory of the same bandwidth and latency:",
        "",
        *dram_table(),
        "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", help="more networks, on 16x16 and 32x32")
    parser.add_argument("--report", type=pathlib.Path)
    given = parser.parse_args()
    names = [pathlib.Path(file).name for file in given.files]
    command = " ".join(["python -m tests.support.bursts --report reports/dram.md", *names])
    text = written(command, NETWORKS | dict.fromkeys(given.files, (16, 32)))
    if given.report:
        given.report.write_text(text)


if __name__ == "__main__":
    main()
