"""What is compiled is compiled again when a source that went into it changes."""

import os
import subprocess
import sys

import pytest

from accel import compiled

KERNEL = """
from accel.compiled import compiled
from {package}.callee import callee

@compiled
def caller():
    return callee()
"""
CALLEE = """
from accel.compiled import compiled

@compiled
def callee():
    return {result}
"""


def test_a_change_of_another_file_is_seen(tmp_path):
    """Numba alone would compute 1 again: the caller's own file is as it was."""
    package = tmp_path / "kernels"
    package.mkdir()
    (package / "caller.py").write_text(KERNEL.format(package="kernels"))
    for result in (1, 2):
        (package / "callee.py").write_text(CALLEE.format(result=result))
        for hits in (0, 1):  # compiled, and then found on disk
            command = (
                "from kernels.caller import caller; "
                "print(caller(), sum(caller.stats.cache_hits.values()))"
            )
            done = subprocess.run(
                [sys.executable, "-c", command],
                cwd=tmp_path, capture_output=True, text=True, check=True,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # two files in one second
            )  # fmt: skip
            assert done.stdout.split() == [str(result), str(hits)]


@pytest.mark.parametrize("name", ["isa.py", "params.py", "quant.py"])
def test_shared_sources_are_there(name):
    assert name in {file.name for file in compiled._SHARED if file.exists()}


def test_options_are_numba_s():
    @compiled.compiled(error_model="numpy")
    def divide(a, b):
        return a / b

    assert divide(1.0, 0.0) == float("inf")
    with pytest.raises(ZeroDivisionError):
        divide.py_func(1.0, 0.0)


def test_without_compiling():
    """Numba's own switch for debuggers."""
    command = "from accel.golden import kernels; print(type(kernels.max_pool).__name__)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["function"]
