"""Building and caching simulation libraries, with and without a real compiler."""

import os
import re
import shutil
import stat
import textwrap
import threading
import time

import pytest

from accel.params import Params
from accel.sim.build import Builder
from accel.sim.cache import cache_directory
from accel.sim.engine import SimulationError
from accel.sim.toolchain import LIBRARY, find_compiler
from accel.sim.verilator import VerilatorEngine
from accel.sim.verilog import fingerprint
from accel.sim.written import emit
from tests.sim.copier import Copier

PARAMS = Params(rows=4, cols=4, timeout_cycles=300)


@pytest.fixture
def compiler(tmp_path):
    """Make a stand-in for a C++ compiler that runs a line of shell for every compilation."""

    def make(on_compile):
        script = tmp_path / "compiler"
        script.write_text(
            textwrap.dedent(f"""\
            #!/bin/sh
            echo "$@" >> {tmp_path}/log
            while [ $# -gt 1 ]; do
                [ "$1" = -dM ] && echo "#define __VERSION__ fake" && exit 0
                [ "$1" = -o ] && out="$2"
                shift
            done
            {on_compile}
            """)
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    return make


def compilations(tmp_path):
    return [line for line in (tmp_path / "log").read_text().splitlines() if " -c " in line]


def test_a_second_build_compiles_nothing(tmp_path, compiler):
    builder = Builder(compiler('touch "$out"'), tmp_path / "cache")
    stages = []
    first = builder.build(PARAMS, Copier, lambda stage, share: stages.append((stage, share)))
    assert first.name == LIBRARY
    assert stages[0] == ("emit Verilog", 0.0)
    assert stages[-1] == ("ready", 1.0)
    assert {"run Verilator", "compile", "link"} <= {name for name, _ in stages}
    assert all(0 <= share <= 1 for _, share in stages)
    count = len(compilations(tmp_path))
    assert count >= 4
    again = Builder(compiler("exit 1"), tmp_path / "cache")
    assert again.build(PARAMS, Copier) == first
    assert len(compilations(tmp_path)) == count
    assert [path.name for path in first.parent.iterdir()] == [LIBRARY]


def test_what_a_killed_build_had_compiled_is_kept(tmp_path, compiler):
    def end(stage, share):
        if stage == "compile" and share:  # the first file is
            raise KeyboardInterrupt

    path = compiler('touch "$out"')
    with pytest.raises(KeyboardInterrupt):
        Builder(path, tmp_path / "cache").build(PARAMS, Copier, end)
    before = compilations(tmp_path)
    (begun,) = (tmp_path / "cache" / "machine").glob("*.begun")
    (begun / "accelerator.so.1.new").touch()  # and what it had not finished is not
    stages = []
    built = Builder(path, tmp_path / "cache").build(
        PARAMS, Copier, lambda stage, share: stages.append(stage)
    )
    assert "run Verilator" not in stages
    done = [re.findall(r"-o (\S+?)\.o", line)[0] for line in compilations(tmp_path)]
    assert len(done) == len(set(done)) >= len(before) > 0
    assert [path.name for path in built.parent.iterdir()] == [LIBRARY]
    assert not begun.exists()


def test_what_nobody_went_on_with_goes_after_a_day(tmp_path, compiler):
    verilog = tmp_path / "cache" / "verilog"
    for name, hours in (("old", 25), ("young", 23)):
        (verilog / f"{name}.begun").mkdir(parents=True)
        begun = time.time() - 3600 * hours
        os.utime(verilog / f"{name}.begun", (begun, begun))
    Builder(compiler('touch "$out"'), tmp_path / "cache").build(PARAMS, Copier)
    assert [path.name for path in verilog.glob("*.begun")] == ["young.begun"]


def test_two_builds_at_once_compile_once(tmp_path, compiler):
    path = compiler('sleep 0.02; touch "$out"')
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(Builder(path, tmp_path / "cache").build(PARAMS, Copier))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    done = compilations(tmp_path)
    assert len(done) == len(set(done))
    assert sum("rest_fast.cpp" in line for line in done) == 1


def test_a_failing_compiler_is_named_and_leaves_nothing(tmp_path, compiler):
    path = compiler("echo 'line 1: no space on this disk' >&2; exit 3")
    engine = VerilatorEngine(Copier, compiler=path, cache=tmp_path / "cache")
    with pytest.raises(SimulationError, match="compiler failed with code 3:\nline 1: no space"):
        engine.build(PARAMS)
    assert not list((tmp_path / "cache" / "machine").glob("*/"))


def test_a_compiler_that_cannot_start_is_named(tmp_path):
    missing = str(tmp_path / "gone")
    with pytest.raises(SimulationError, match=f"cannot start {missing}: No such file"):
        Builder(missing, tmp_path / "cache")


def test_no_compiler(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SimulationError, match="no C\\+\\+ compiler .* is on the PATH"):
        find_compiler()


def test_an_unusable_cache_is_named(tmp_path, compiler):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(SimulationError, match=f"cannot use the cache {tmp_path / 'cache'}: "):
        Builder(compiler("true"), tmp_path / "cache").build(PARAMS, Copier)


def test_cache_directory_follows_the_convention(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "accel"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "accel"


def test_verilog_is_deterministic_and_its_fingerprint_tells_machines_apart():
    text = emit(PARAMS, Copier)
    assert text == emit(PARAMS, Copier)
    assert "module accelerator(" in text
    assert "src =" not in text
    assert fingerprint(PARAMS, Copier) == fingerprint(PARAMS, Copier)
    assert fingerprint(PARAMS, Copier) != fingerprint(Params(rows=8), Copier)
