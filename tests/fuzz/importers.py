"""Coverage-guided fuzzing of the importers with Google's atheris (pip install 'cnn-accel[fuzz]').

    python -m tests.fuzz.importers --format tflite --count 100000 --report reports/fuzz_tflite.json

Mutated network files go through accel.frontend.load.  Each must load or be refused by one
ModelError, a single line that begins with the file's name, within SECONDS of processor time and
RSS_MB of memory.  Everything else is a failure, and its input is saved.  The report, one entry a
format, says what was run and what came out; the exit status is 1 if anything failed.

The fuzzing itself runs in a child process, which is started again where an input killed it.
"""

import argparse
import hashlib
import importlib
import json
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import warnings

#: Limits of one input: processor time in seconds, memory of the whole process in MiB.
SECONDS, RSS_MB = 1.0, 500
#: Wall seconds after which libFuzzer gives an input up; generous, as machines are shared.
HANG = 20
#: Inputs of one process.  What atheris adds to the code that it watches grows with each of them
#: (25,000 ONNX files in a plain loop: from 76 to 410 MB; without atheris it ends at 105), until
#: RSS_MB says nothing about the importer.
LIFE = 50_000
MAX_BYTES = 1 << 16
_NUMBERS = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0x100, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_FLOATS = (0.0, -1.0, float("nan"), float("inf"), 1e-45, 3e38)
_INSTRUMENTED = ("accel.frontend", "accel.graph", "accel.quant", "flatbuffers")


def seeds_tflite() -> list[bytes]:
    """Two models of every kind of operator, some of other builtins, and the smallest networks."""
    from tests.support import tflite_builtins
    from tests.support.tflite_float import mobile
    from tests.support.tflite_random import KINDS, draw

    models = [draw(kind, seed)[0] for kind in KINDS for seed in (0, 1)]
    models += [tflite_builtins.draw(name, number)[0] for name in tflite_builtins.OPERATORS
               for number in range(4)]
    return [*models, mobile().content(), *_shipped(".tflite")]


def seeds_onnx() -> list[bytes]:
    """Convolutions, what moves bytes, and the smallest of the networks that ship."""
    import numpy as np

    from tests.support import onnx_pairs_moves, onnx_pairs_two
    from tests.support.covering import covering
    from tests.support.onnx_models import qdq_conv

    rng = np.random.default_rng(0)
    models = [
        qdq_conv(rng),
        qdq_conv(rng, dtype=np.uint8, per_channel=False, relu=("Relu",)),
        qdq_conv(rng, shape=(1, 4, 8, 7), groups=2, strides=[2, 1]),
    ]
    for operator in (onnx_pairs_moves.OPERATORS | onnx_pairs_two.OPERATORS).values():
        rows = covering(operator.options, operator.possible)
        models += [operator.build(row) for row in rows[:3]]
    return [model.proto().SerializeToString() for model in models] + _shipped(".onnx")


def _shipped(suffix: str) -> list[bytes]:
    from accel import models

    folder = pathlib.Path(models.__file__).parent
    files = sorted(folder.rglob(f"*{suffix}"), key=lambda path: path.stat().st_size)
    return [path.read_bytes() for path in files if path.stat().st_size <= MAX_BYTES][:3]


SEEDS = {"tflite": seeds_tflite, "onnx": seeds_onnx}


class Trial:
    """Puts one input after another through an importer and keeps count; runs in the child."""

    def __init__(self, options, load, refusal):
        self.options, self.load, self.refusal = options, load, refusal
        self.path = pathlib.Path(options.work) / f"input.{options.format}"
        self.began = time.perf_counter()
        self.result = {"executions": 0, "loaded": 0, "refused": 0, "slowest_seconds": 0.0,
                       "failures": []}

    def __call__(self, data: bytes) -> None:
        """Run one input; what libFuzzer calls."""
        self.path.write_bytes(data)
        began = time.process_time()
        failure = self._run()
        took = time.process_time() - began
        if failure is None and took > SECONDS:
            failure = f"took {took:.2f} s"
        if failure:
            save(self.options, self.result, data, failure)
        self.result["executions"] += 1
        self.result["slowest_seconds"] = max(self.result["slowest_seconds"], round(took, 3))
        if self.result["executions"] >= self.options.count:
            self.finish()
        elif self.result["executions"] % 100 == 0:
            self.write()

    def _run(self) -> str | None:
        try:
            self.load(self.path)
        except self.refusal as error:
            self.result["refused"] += 1
            text = str(error)
            good = text.startswith(f"{self.path}: ") and "\n" not in text and len(text) < 2000
            return None if good else f"unclear: {text[:300]!r}"
        except Exception as error:  # every other exception is what is being looked for
            return f"{type(error).__name__}: {error}"[:300]
        self.result["loaded"] += 1
        return None

    def write(self) -> None:
        """Leave the counts where the parent finds them."""
        self.result["seconds"] = round(time.perf_counter() - self.began, 1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.result["peak_rss_mb"] = peak // 1024
        target = pathlib.Path(self.options.work) / "result.json"
        target.with_suffix(".new").write_text(json.dumps(self.result))
        target.with_suffix(".new").rename(target)

    def finish(self) -> None:
        """End the process at once: libFuzzer would never return."""
        self.write()
        sys.stderr.flush()
        os._exit(0)


def save(options, result, data: bytes, failure: str) -> None:
    """Keep an input that failed, named by its hash."""
    name = f"{options.format}-{hashlib.sha256(data).hexdigest()[:16]}"
    folder = pathlib.Path(options.failures)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    result["failures"].append({"input": name, "seed": options.seed, "failure": failure})


class Mutator:
    """libFuzzer's own mutations, and such as keep more of a file's structure: a byte or an aligned
    number moved a little, or replaced by a telling one.  Often it starts afresh from a seed, as
    most of what raises the coverage has long been refused."""

    def __init__(self, native, seeds: list[bytes], aligned: bool):
        self.native, self.seeds, self.ways = native, seeds, 4 if aligned else 2

    def __call__(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Return a mutation of ``data``; what libFuzzer calls."""
        rng = random.Random(seed)
        if rng.random() < 0.5:
            data = rng.choice(self.seeds)
        way = rng.randrange(self.ways) if len(data) >= 12 else 0
        if way == 0:
            return self.native(data, max_size)
        changed = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 4))):
            self._change(changed, rng, way)
        return bytes(changed[:max_size])

    @staticmethod
    def _change(changed: bytearray, rng, way: int) -> None:
        at = rng.randrange(8, len(changed) - 3)
        if way == 1:
            changed[at] = (changed[at] + rng.choice((-128, -4, -1, 1, 2, 4, 128))) % 256
        elif way == 2:
            (number,) = struct.unpack_from("<I", changed, at & ~3)
            moved = number + rng.choice((-32, -4, -1, 1, 4, 32))
            struct.pack_into("<I", changed, at & ~3, moved % (1 << 32))
        else:
            kind, values = rng.choice((("<I", _NUMBERS), ("<f", _FLOATS)))
            struct.pack_into(kind, changed, at & ~3, rng.choice(values))


def child(options) -> None:
    """Fuzz until ``options.count`` inputs have run, or one kills the process."""
    import atheris

    with atheris.instrument_imports(include=list(_INSTRUMENTED), enable_loader_override=False):
        import accel.frontend
        importer = importlib.import_module(accel.frontend.FORMATS[f".{options.format}"])
    warnings.simplefilter("error", RuntimeWarning)
    trial = Trial(options, importer.load, accel.frontend.ModelError)
    mutator = Mutator(
        lambda data, most: atheris.Mutate(data, most),  # bound to libFuzzer late, in Fuzz()
        SEEDS[options.format](), options.format == "tflite",
    )  # fmt: skip
    arguments = [
        sys.argv[0], f"-seed={options.seed}", f"-max_len={MAX_BYTES}", f"-timeout={HANG}",
        f"-rss_limit_mb={RSS_MB}", f"-artifact_prefix={options.work}/", "-print_final_stats=0",
        "-verbosity=1", str(pathlib.Path(options.work) / "corpus"),
    ]  # fmt: skip
    atheris.Setup(arguments, trial, custom_mutator=mutator)
    atheris.Fuzz()


def run(options) -> dict:
    """Run children until ``options.count`` inputs have been through; return the report's entry."""
    total = {"command": " ".join(["python -m tests.fuzz.importers", *options.shown]),
             "executions": 0, "loaded": 0, "refused": 0, "seconds": 0.0, "slowest_seconds": 0.0,
             "peak_rss_mb": 0, "coverage": 0, "seed_files": 0, "corpus_files": 0,
             "limits": {"seconds": SECONDS, "rss_mb": RSS_MB}, "failures": []}
    with tempfile.TemporaryDirectory() as work:
        corpus = pathlib.Path(work) / "corpus"
        corpus.mkdir()
        for number, content in enumerate(SEEDS[options.format]()):
            (corpus / f"seed{number:03}").write_bytes(content)
        total["seed_files"] = len(list(corpus.iterdir()))
        seed = options.seed
        while total["executions"] < options.count:
            left = min(LIFE, options.count - total["executions"])
            result, coverage = _child(options, work, seed, left)
            for key in ("executions", "loaded", "refused", "seconds"):
                total[key] = round(total[key] + result[key], 1)
            for key in ("slowest_seconds", "peak_rss_mb"):
                total[key] = max(total[key], result[key])
            total["coverage"] = max(total["coverage"], coverage)
            total["failures"] += result["failures"]
            seed += 1
        total["corpus_files"] = len(list(corpus.iterdir()))
    return total


def added(before: dict, entry: dict) -> dict:
    """Two runs' entries as one: sums, and the worst of both."""
    sums = {key: round(before[key] + entry[key], 1)
            for key in ("executions", "loaded", "refused", "seconds")}
    most = {key: max(before[key], entry[key])
            for key in ("slowest_seconds", "peak_rss_mb", "coverage", "seed_files", "corpus_files")}
    both = {"command": f"{before['command']}; {entry['command']}",
            "failures": before["failures"] + entry["failures"]}
    return entry | sums | most | both


def _child(options, work, seed, count) -> tuple[dict, int]:
    """One child's counts and coverage; its death is a failure of its last input."""
    result_file = pathlib.Path(work) / "result.json"
    result_file.unlink(missing_ok=True)
    log = pathlib.Path(work) / "log"
    with log.open("w") as stream:
        status = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.importers", "--format", options.format, "--count",
             str(count), "--seed", str(seed), "--work", str(work), "--failures",
             options.failures, "--child"],
            stderr=stream, stdout=stream, check=False,
        ).returncode  # fmt: skip
    text = log.read_text(errors="replace")
    coverage = max((int(part.split()[0]) for part in text.split("cov: ")[1:]), default=0)
    if not result_file.exists():
        raise SystemExit(f"the fuzzer did not start:\n{text[-2000:]}")
    result = json.loads(result_file.read_text())
    if status:
        last = (pathlib.Path(work) / f"input.{options.format}").read_bytes()
        reason = next((line for line in text.splitlines() if "ERROR: libFuzzer" in line),
                      f"exit status {status}")
        options.seed = seed
        save(options, result, last, f"killed: {reason}"[:300])
        result["executions"] += 1
    return result, coverage


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Fuzz an importer of network files.")
    parser.add_argument("--format", choices=sorted(SEEDS), required=True)
    parser.add_argument("--count", type=int, default=100_000, help="inputs to run")
    parser.add_argument("--report", help="JSON file that gets an entry for the format")
    parser.add_argument("--add", action="store_true",
                        help="to the report's entry: another seed's files")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", default="build/fuzz", help="folder for inputs that fail")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
    options.shown = sys.argv[1:]
    entry = run(options)
    print(json.dumps(entry, indent=2))
    if options.report:
        path = pathlib.Path(options.report)
        report = json.loads(path.read_text()) if path.exists() else {}
        if options.add and options.format in report:
            entry = added(report[options.format], entry)
        path.write_text(json.dumps({**report, options.format: entry}, indent=2) + "\n")
    return 1 if entry["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
