"""The RTL's requantiser, in each of its roundings, against plain definitions in numpy.

``python -m tests.support.requantisers --count 1000000 --report reports/requantiser.json``
"""

import argparse
import ctypes
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from amaranth.back import verilog

from accel.isa import FLOATS, Rounding
from accel.params import REQUANT_LATENCY
from accel.rtl.post.requantise import Requantiser
from accel.sim.toolchain import find_compiler, find_verilator, run_verilator

_BENCH = pathlib.Path(__file__).with_name("requantiser_bench.cpp")
_INT32 = (-(1 << 31), (1 << 31) - 1)
#: Sums between one pass of the machine and the next, which has another zero point and clamp.
PASS = 20_000
#: Multipliers that are float32 factors, too.
MULTIPLIERS = (0, 1 << 30, (1 << 30) + 128, 3 << 29, (1 << 31) - 128)
SUMS = (0, 1, -1, 2, -2, 3, *_INT32, (1 << 24) + 1, -(1 << 24) - 3, (1 << 25) + 2, (1 << 30) + 32)
#: (sum, 24-bit multiplier, shift) whose product is n + 1/2 and half a unit of a float32, but for
#: one or three units of the 47 or 48 bits that it has.  (Found by factoring such products.)
STICKY = (
    (9072935, 9694871, -21), (12578817, 12587009, -21), (9804857, 15250971, -20),
    (10481665, 10489857, -19), (9749431, 13082133, -19), (8974597, 12006349, -18),
    (9515923, 12247707, -18), (9045441, 15802051, -18),
)  # fmt: skip


def vectors(rng, count: int, rounding: Rounding):
    """Random and corner cases: int64 arrays (sum, multiplier, shift), legal for ``rounding``.

    A fifth each: sums of any length, corners, sums that become about n + 1/2, short sums with
    powers of two (exact ties), and products a few units of their 24th to 27th bit beside n + 1/2
    (where a float32 rounds them to a tie, or does not).
    """
    floating = rounding in FLOATS
    kind = rng.integers(0, 5, count)
    multiplier = rng.integers(1 << 30, 1 << 31, count)
    multiplier = np.where(rng.random(count) < 0.1, rng.choice(MULTIPLIERS, count), multiplier)
    multiplier = np.where(kind == 3, rng.choice(MULTIPLIERS[1:4], count), multiplier)
    shift = rng.integers(-31, 31, count)
    shift = np.where(kind >= 2, rng.integers(-24, 2, count), shift)
    short, factor, place = _short_factors(rng, count)
    multiplier = np.where(kind == 4, factor, multiplier)
    shift = np.where(kind == 4, place, shift)
    if floating:
        multiplier &= ~127
    x = rng.integers(*_INT32, count, endpoint=True) >> rng.integers(0, 32, count)
    x = np.where(kind == 1, rng.choice(SUMS, count), x)
    # About n + 1/2, the nearest sums on both sides of it.
    half = rng.integers(-140, 140, count) + 0.5
    with np.errstate(divide="ignore"):
        tie = np.where(multiplier > 0, half * 2.0 ** (31 - shift) / multiplier, 0)
    tie = np.clip(np.rint(tie), *_INT32).astype(np.int64) + rng.integers(-1, 2, count)
    x = np.where(kind == 2, tie, x)
    exact = (2 * rng.integers(-140, 140, count) + 1) << np.clip(-shift, 0, 22)
    x = np.where(kind == 3, exact + rng.integers(-1, 2, count) * rng.integers(0, 2, count), x)
    x = np.where(kind == 4, short, x)
    if floating:
        rows = rng.choice(STICKY, count)
        chosen = rng.random(count) < 0.01
        x = np.where(chosen, rows[:, 0] * rng.choice([-1, 1], count), x)
        multiplier = np.where(chosen, rows[:, 1] << 7, multiplier)
        shift = np.where(chosen, rows[:, 2], shift)
    else:
        x = x >> np.maximum(shift, 0)
    return np.clip(x, *_INT32), multiplier, shift


def _short_factors(rng, count):
    """Sums of few bits, and float32 factors, whose exact product is close to n + 1/2."""
    odd = 2 * rng.integers(0, 140, count) + 1
    bits = 27 - np.frexp(odd.astype(float))[1] - rng.integers(0, 3, count)
    x = 2 * rng.integers(1, 8, count) + 1
    factor = np.rint((odd << bits) / x).astype(np.int64) + rng.integers(-1, 2, count)
    length = np.frexp(factor.astype(float))[1].astype(np.int64)
    factor = np.where(length > 24, factor & ~1, factor)
    sign = rng.choice([-1, 1], count)
    return sign * x, factor << (31 - length), length - bits - 1


def defined(x, multiplier, shift, rounding: Rounding, zero: int, lo: int, hi: int):
    """What the requantiser must give: exact in int64, or in numpy's own float32."""
    right = np.maximum(-shift, 0)
    if rounding in FLOATS:
        factor = (multiplier * 2.0 ** (shift - 31)).astype(np.float32)
        assert np.array_equal(factor, multiplier * 2.0 ** (shift - 31)), "a factor is no float32"
        real = (x.astype(np.float32) * factor).astype(np.float64)  # holds 1 more, and half of it
        odd = rounding == Rounding.FLOAT_ODD
        value = np.where(np.abs(real) < 1 << 24, np.rint(real + odd) - odd, real)
        return np.clip(value + zero, lo, hi).astype(np.int64)
    product = (x << np.maximum(shift, 0)) * multiplier
    if rounding == Rounding.SINGLE:
        value = (product + (1 << 30 + right)) >> 31 + right
    elif rounding == Rounding.AWAY:
        value = np.sign(product) * ((np.abs(product) + (1 << 30 + right)) >> 31 + right)
    else:
        high = (product + (1 << 30)) >> 31
        value = np.sign(high) * ((np.abs(high) + (1 << right >> 1)) >> right)
    return np.clip(value + zero, lo, hi)


def build(directory: pathlib.Path):
    """The RTL, verilated and compiled in ``directory``, as the C function of its bench."""
    text = verilog.convert(Requantiser(), name="requantiser", strip_internal_attrs=True)
    (directory / "requantiser.v").write_text(text)
    arguments = ["--cc", "-O3", "--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style",
                 "--prefix", "Vrequantiser", "--top-module", "requantiser", "--Mdir", ".",
                 "requantiser.v"]  # fmt: skip
    result = run_verilator(arguments, directory)
    assert result.returncode == 0, result.stderr
    include = find_verilator() / "include"
    runtime = [str(include / f"{name}.cpp") for name in ("verilated", "verilated_threads")]
    sources = [path.name for path in directory.glob("*.cpp")]
    subprocess.run(
        [find_compiler(), "-std=gnu++17", "-O1", "-fPIC", "-shared", "-w", "-I.", f"-I{include}",
         f"-I{include / 'vltstd'}", "-DVM_TRACE=0", "-DVM_COVERAGE=0", "-DVERILATOR=1",
         *sources, str(_BENCH), *runtime, "-o", "requantiser.so", "-pthread"],
        cwd=directory, check=True,
    )  # fmt: skip
    function = ctypes.CDLL(str(directory / "requantiser.so")).requantise
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    function.argtypes = (pointer, pointer, pointer, ctypes.c_int64, *[integer] * 5, pointer)
    function.restype = ctypes.c_int64
    return function


def run(function, x, multiplier, shift, rounding: Rounding, zero: int, lo: int, hi: int):
    """The machine's results."""
    columns = x.astype(np.int32), multiplier.astype(np.uint32), shift.astype(np.int8)
    y = np.empty(len(x), np.int8)
    pointers = [column.ctypes.data for column in columns]
    count = function(
        *pointers, len(x), int(rounding), zero, lo, hi, REQUANT_LATENCY, y.ctypes.data
    )
    assert count == len(x), f"{count} results of {len(x)} sums"
    return y.astype(np.int64)


def compare(function, rng, rounding: Rounding, count: int) -> dict:
    """Run ``count`` vectors with many zero points and clamps; count differences."""
    wrong, inside, first = 0, 0, None
    for done in range(0, count, PASS):
        zero = int(rng.choice([0, -128, 127, *rng.integers(-128, 128, 3)]))
        lo, hi = (-128, 127) if rng.random() < 0.7 else sorted(rng.integers(-128, 128, 2).tolist())
        x, multiplier, shift = vectors(rng, min(PASS, count - done), rounding)
        got = run(function, x, multiplier, shift, rounding, zero, lo, hi)
        expected = defined(x, multiplier, shift, rounding, zero, lo, hi)
        differing = np.flatnonzero(got != expected)
        wrong += len(differing)
        inside += int(np.count_nonzero((expected > lo) & (expected < hi)))
        if len(differing) and first is None:
            n = differing[0]
            first = {"sum": int(x[n]), "multiplier": int(multiplier[n]), "shift": int(shift[n]),
                     "zero": zero, "lo": lo, "hi": hi, "got": int(got[n]),
                     "expected": int(expected[n])}  # fmt: skip
    return {"vectors": count, "not_clamped": inside, "mismatches": wrong, "first": first}


def main() -> None:
    """Run the campaign, print and write its summary; exit 1 if any result differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="vectors for each rounding")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        function = build(pathlib.Path(directory))
        results = {
            rounding.name: compare(
                function, np.random.default_rng([options.seed, rounding]), rounding, options.count
            )
            for rounding in Rounding
        }
    summary = {
        "command": f"python -m tests.support.requantisers --count {options.count} "
        f"--seed {options.seed}",
        "roundings": results,
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(summary, indent=1))
    if options.report:
        options.report.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(1 if any(result["mismatches"] for result in results.values()) else 0)


if __name__ == "__main__":
    main()
