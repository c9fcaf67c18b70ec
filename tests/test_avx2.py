"""This machine as one with AVX2 and nothing newer (tests.support.avx2)."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from accel import onnx_session
from tests.support.avx2 import missing

ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(bool(missing()), reason=f"tests.support.avx2 needs {missing()}")


def in_avx2(*arguments):
    """Run Python there."""
    return subprocess.run(
        [sys.executable, "-m", "tests.support.avx2", "--", sys.executable, *arguments],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_onnx_runtime_saturates_and_its_exact_sessions_do_not():
    """All tests of sessions once more, unless they meet such kernels here anyway."""
    done = in_avx2("-c", "from accel import onnx_session as s; print(s.saturates())")
    assert (done.stdout, done.stderr) == ("True\n", "")
    if onnx_session.saturates():
        return
    done = in_avx2("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_onnx_session.py")
    assert done.returncode == 0, done.stdout


def test_numba_and_numpy():
    done = in_avx2("-c", """if True:
        from accel.golden import tile
        import numpy
        has = tile.features()
        print(tile.byte_blocking(has).lanes, tile.float_blocking(has).lanes)
        print(any(name.startswith("avx512") for name in has))
        found = numpy.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        print(any("X86_V4" in name or name.startswith("AVX512") for name in found))""")
    assert done.stdout.splitlines() == ["0 8", "False", "False"], done.stderr


def test_within_itself():
    done = in_avx2("-m", "tests.support.avx2", "--", sys.executable, "-c",
                   "from accel import onnx_session as s; print(s.saturates())")  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.campaign
def test_other_illegal_instructions_stay_illegal():
    """Those who watch for them, as pytest does, are still called."""
    kill = "import faulthandler, signal, sys\n{}\nsignal.raise_signal(signal.SIGILL)"
    done = in_avx2("-c", kill.format("faulthandler.enable()"))
    assert "Fatal Python error: Illegal instruction" in done.stderr
    assert in_avx2("-c", kill.format("")).returncode == -signal.SIGILL
    handled = "signal.signal(signal.SIGILL, lambda *_: sys.exit(7))"
    assert in_avx2("-c", kill.format(handled)).returncode == 7


@pytest.mark.parametrize("arguments, words", [
    ([], "usage: python -m tests.support.avx2 -- COMMAND..."),
])
def test_mistakes(arguments, words):
    done = subprocess.run([sys.executable, "-m", "tests.support.avx2", *arguments], cwd=ROOT,
                          capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (1, words)
