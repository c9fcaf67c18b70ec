"""What is compiled is compiled again when a source that went into it changes."""

import errno
import os
import subprocess
import sys
import threading

import pytest

import accel
from accel import compiled, cyclemodel

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
    command = ("from accel.golden import kernels; from accel.cyclemodel import memory; "
               "print(*(type(one).__name__ for one in (kernels.max_pool, memory.begin)))")
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["function", "function"]


#: Ends the process, as if killed, where a file of the cache is to be written for the n-th time.
KILLED = """
import os, sys
from numba.core import caching

begin, left = caching.IndexDataCacheFile._open_for_write, [int(sys.argv[1])]

def write(self, path):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return begin(self, path)

caching.IndexDataCacheFile._open_for_write = write
from kernels.caller import caller
print(caller())
"""


def test_a_killed_process_leaves_no_wrong_code(tmp_path):
    """Numba's own index would name a file before its code is there: the earlier source's is."""
    package = tmp_path / "kernels"
    package.mkdir()
    (package / "caller.py").write_text(KERNEL.format(package="kernels"))
    call = "from kernels.caller import caller; print(caller())"

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-c", *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        ).stdout  # fmt: skip

    for writes in range(4):  # an index and a file of code for each function
        (package / "callee.py").write_text(CALLEE.format(result=writes))
        assert run(KILLED, writes) == ""
        assert run(call) == f"{writes}\n"
    names = {path.name.split(".")[0] for path in (package / "__pycache__").iterdir()}
    assert len(list((package / "__pycache__").iterdir())) == 2 * len(names)  # no file of before


def test_two_that_compile_at_once_keep_both(tmp_path):
    """Numba's own would forget one, or give both signatures' code the same name."""
    kind = type(compiled.compiled(lambda value: value)._cache._cache_file)
    mine, theirs = (kind(str(tmp_path), "kernel", "stamp") for _ in range(2))
    other = threading.Thread(target=lambda: theirs.save("float", "code for floats"))
    save = mine._save_index

    def save_slowly(overloads):
        other.start()
        other.join(0.2)
        save(overloads)

    mine._save_index = save_slowly
    mine.save("int", "code for ints")
    other.join()
    found = kind(str(tmp_path), "kernel", "stamp")
    assert found.load("int") == "code for ints"
    assert found.load("float") == "code for floats"


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_cache_is_none(tmp_path, suffix):
    kind = type(compiled.compiled(lambda value: value)._cache._cache_file)
    kind(str(tmp_path), "kernel", "stamp").save("int", "code")
    (file,) = tmp_path.glob(f"*{suffix}")
    file.write_bytes(file.read_bytes()[:-20])
    again = kind(str(tmp_path), "kernel", "stamp")
    assert again.load("int") is None
    again.save("int", "code")
    assert again.load("int") == "code"


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_what_a_killed_process_left_goes_though_nothing_is_compiled(tmp_path, suffix):
    kind = type(compiled.compiled(lambda value: value)._cache._cache_file)
    file = kind(str(tmp_path), "kernel", "stamp")
    file.save("int", "code")
    left, others = tmp_path / f"kernel{suffix}.tmp.23a01ac6", tmp_path / "kernel.pyc.tmp.1"
    for path in (left, others):
        path.write_bytes(b"half")
    assert file.load("int") == "code"
    assert not left.exists() and others.exists()


def test_a_full_disk_keeps_nobody_from_computing(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    @compiled.compiled
    def double(a):
        return 2 * a

    monkeypatch.setattr(double._cache._cache_file, "_save_data", full)
    assert double(3) == 6


def test_whether_code_is_kept(tmp_path):
    """Asked before and behind the first call, in two processes."""
    (tmp_path / "kernels_of").mkdir()
    (tmp_path / "kernels_of/double.py").write_text(
        "from accel.compiled import compiled\n\n@compiled\ndef double(a):\n    return 2 * a\n"
    )
    command = ("from accel.compiled import is_kept; from kernels_of.double import double; "
               "print(is_kept(double), double(4), is_kept(double), is_kept(len))")  # fmt: skip
    said = [subprocess.run([sys.executable, "-c", command], capture_output=True, text=True,
                           check=True, cwd=tmp_path).stdout for _ in range(2)]  # fmt: skip
    assert said == ["False 8 True True\n", "True 8 True True\n"]


@pytest.mark.parametrize("kept, stage", [(True, "predicting"), (False, "compiling the cycle ")])
def test_who_waits_for_the_cycle_model_is_told_why(kept, stage, monkeypatch):
    stages = []
    monkeypatch.setattr(cyclemodel, "is_kept", lambda function: kept)
    accel.estimate("notes", array=(4, 4), progress=lambda stage, share: stages.append(stage))
    assert stages[-1].startswith(stage)
