"""Every other file that a user brings, damaged: arrays, machines, SCALE-Sim's files, sweeps, runs.

    python -m tests.fuzz.inputs --count 25000 --seeds 4 [--seed 1] [--report reports/fuzz_inputs.md]

A good file of each kind is changed at random (bytes, numbers, lines, what was cut off or doubled)
and read.  It must be read, or refused by one AccelError, a single line that names the file, within
SECONDS of processor time and RSS_MB of memory of the whole process.  Everything else is a failure;
its input is kept in build/fuzz.  So is what came out, kind by kind and seed by seed: the same
command goes on where another was ended, and more seeds add to it.
"""

import argparse
import collections
import dataclasses
import io
import json
import pathlib
import random
import re
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable

import numpy as np

from accel import npz
from accel.bench.header import header
from accel.dse.point import Point
from accel.dse.store import Store
from accel.errors import AccelError
from accel.machines import open_machine
from accel.report.files import write_text
from accel.scalesim.config import read_config
from accel.scalesim.topology import read_topology
from accel.train import checkpoint

SECONDS, RSS_MB = 1.0, 1500
LONGEST = 2000
FAILURES = pathlib.Path("build/fuzz")
#: What a number or a word becomes.
_NUMBERS = (b"0", b"-1", b"1", b"4294967296", b"1e400", b"9" * 5000, b"nan", b"0x10", b"1.5", b"")
_WORDS = (b"null", b"true", b"[]", b"{}", b'""', b"\xff\xfe", b"\x00", b"inf", b",,,", b"=", b"#")


def lying(shape: str) -> bytes:
    """An .npz file whose array ``images`` claims to have a shape."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    size = len(head).to_bytes(2, "little")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + size + head.encode() + bytes(100))
    return file.getvalue()


def _npz() -> list[bytes]:
    """Images and labels, packed and not; arrays that claim to be huge."""
    found = [lying(shape) for shape in ("(4294967296, 5, 5, 3)", "(99999999, 9, 9, 3)", "(-1, 5)")]
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, images=np.zeros((2, 5, 5, 3), np.float32), labels=np.arange(2))
        found.append(file.getvalue())
    return found


def _machine() -> list[bytes]:
    """Machines of both tables."""
    return [
        b'name = "mine"\n[machine]\nrows = 8\ncols = 8\ninput_bytes = 32768\nacc_rows = 512\n',
        b'[machine]\nrows = 4\ncols = 4\nbus_bytes = 8\n[memory]\nlatency_cycles = 20\n'
        b'dram = "ddr3-1600"\nclock_mhz = 100\n',
    ]


def _topology() -> list[bytes]:
    """A network of convolutions, and one of products."""
    return [
        b"Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "
        b"Num Filter, Strides,\nC1, 224, 224, 7, 7, 3, 64, 2,\nC2, 56, 56, 3, 3, 64, 64, 1,\n",
        b"Layer, M, N, K,\nGEMM1, 128, 64, 32,\nGEMM2, 1, 1000, 512,\n",
    ]


def _config() -> list[bytes]:
    """An array of SCALE-Sim."""
    return [b"[general]\nrun_name = a\n[architecture_presets]\nArrayHeight: 32\nArrayWidth: 9\n"
            b"IfmapSramSzkB: 64\nFilterSramSzkB: 64\nDataflow: os\n"]  # fmt: skip


def _sweep() -> list[bytes]:
    """A journal of finished points."""
    rows = [{**dataclasses.asdict(Point(rows=8, cols=8, latency=latency)), "status": "ok",
             "cycles": 1000 + latency, "pes": 64, "buffer_bytes": 1} for latency in (8, 16)]
    return ["".join(f"{json.dumps(row)}\n" for row in rows).encode()]


def _checkpoint() -> list[bytes]:
    """The state of a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.npz"
        checkpoint.save(path, {"weights": np.zeros((3, 3), np.float32)}, {"epoch": 2})
        return [path.read_bytes()]


def _read_sweep(path: pathlib.Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    path.replace(folder / "journal.jsonl")
    (folder / "sweep.json").write_text("{}")
    with Store(folder, {}) as store:
        assert isinstance(store.rows, list)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file: its suffix, good ones, and what reads it."""

    suffix: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[pathlib.Path], object]


KINDS = {
    "npz": Kind(".npz", _npz, lambda path: npz.read(path, "images", optional=("labels",))),
    "machine": Kind(".toml", _machine, open_machine),
    "topology": Kind(".csv", _topology, read_topology),
    "config": Kind(".cfg", _config, read_config),
    "sweep": Kind(".sweep", _sweep, _read_sweep),
    "checkpoint": Kind(".npz", _checkpoint, checkpoint.load),
}


def mutated(seed: bytes, rng: random.Random) -> bytes:
    """A damaged copy: one to four changes."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 2, 4))):
        _change(data, rng)
    return bytes(data)


def _change(data: bytearray, rng: random.Random) -> None:
    """One change, somewhere."""
    at, way = rng.randrange(len(data) + 1), rng.randrange(7)
    if way == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif way == 1:
        data[at:at] = rng.choice((*_NUMBERS, *_WORDS))
    elif way == 2:
        del data[at : at + rng.choice((1, 4, 40))]
    elif way == 3:
        del data[at:]
    elif way == 4:
        data[at:at] = data[max(0, at - rng.choice((4, 40, 400))) : at]
    elif numbers := [*re.finditer(rb"\d+", data)]:
        one = rng.choice(numbers)
        data[one.start() : one.end()] = rng.choice((*_NUMBERS, str(rng.getrandbits(20)).encode()))


def judged(kind: Kind, path: pathlib.Path) -> tuple[str, str | None]:
    """Read a file: "read" or "refused", and what is wrong with that, or None."""
    began = time.process_time()
    try:
        kind.read(path)
        outcome, wrong = "read", None
    except AccelError as error:
        text = str(error)
        clear = "\n" not in text and len(text) < LONGEST and path.stem in text
        outcome, wrong = "refused", None if clear else f"unclear: {text[:300]!r}"
    except Exception as error:  # every other exception is what is being looked for
        outcome, wrong = "refused", f"{type(error).__name__}: {error}"[:300]
    took = time.process_time() - began
    if wrong is None and took > SECONDS:
        wrong = f"took {took:.2f} s"
    return outcome, wrong


def fuzz(name: str, count: int, seed: int) -> tuple[collections.Counter, list[str], float]:
    """Put ``count`` files of a kind through; outcomes, failures, and the slowest one's seconds."""
    kind, rng = KINDS[name], random.Random(f"{name} {seed}")
    seeds, outcomes, failures, slowest = kind.seeds(), collections.Counter(), [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"input{kind.suffix}"
        for number in range(count):
            data = mutated(rng.choice(seeds), rng)
            path.write_bytes(data)
            began = time.process_time()
            outcome, wrong = judged(kind, path)
            slowest = max(slowest, time.process_time() - began)
            outcomes[outcome] += 1
            if wrong:
                FAILURES.mkdir(parents=True, exist_ok=True)
                (FAILURES / f"{name}-{seed}-{number}").write_bytes(data)
                failures.append(f"{name}-{seed}-{number}: {wrong}")
    return outcomes, failures, slowest


def kept(name: str, count: int, seed: int, journal: pathlib.Path) -> dict:
    """What came of one kind and seed: now, or, of the same count, before."""
    text = journal.read_text() if journal.exists() else ""
    text = text[: text.rfind("\n") + 1]  # without a line that was cut off
    for line in text.splitlines():
        one = json.loads(line)
        if (one["kind"], one["count"], one["seed"]) == (name, count, seed):
            return one
    outcomes, failed, slowest = fuzz(name, count, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    one = {"kind": name, "count": count, "seed": seed, **outcomes, "failures": failed,
           "slowest": slowest, "peak_mb": peak}  # fmt: skip
    journal.parent.mkdir(parents=True, exist_ok=True)
    write_text(text + json.dumps(one) + "\n", journal)
    return one


def main() -> int:
    """Command line; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=25_000, help="files of each kind and seed")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--seeds", type=int, default=4, help="how many")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    warnings.simplefilter("error")
    rows, failures, peak = [], [], 0
    for name in asked.kinds.split(","):
        done = [kept(name, asked.count, asked.seed + number, FAILURES / "inputs.jsonl")
                for number in range(asked.seeds)]  # fmt: skip
        read, refused = (sum(one.get(key, 0) for one in done) for key in ("read", "refused"))
        slowest = max(one["slowest"] for one in done)
        peak = max(peak, *(one["peak_mb"] for one in done))
        failed = [failure for one in done for failure in one["failures"]]
        failures += failed
        rows.append(f"| {name} | {sum(one['count'] for one in done):,} | {read:,} | {refused:,} "
                    f"| {slowest:.2f} s | {len(failed):,} |\n")  # fmt: skip
        print(rows[-1], *failed[:20], sep="\n", flush=True)
    if peak > RSS_MB:
        failures.append(f"{peak} MB of memory")
    text = f"""# Damaged files of every other kind

`python -m tests.fuzz.inputs --count {asked.count} --seed {asked.seed} --seeds {asked.seeds}`,
{time.strftime("%Y-%m-%d")}, {header()["machine"]["cpu"]}: good files with one to four
changes. Each must be read, or refused by one line that names it; anything else failed.
At most {peak:,} MB of memory.

| kind | files | read | refused | slowest | failed |
|---|---:|---:|---:|---:|---:|
{"".join(rows)}"""
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")
    print(*failures[:50], sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
