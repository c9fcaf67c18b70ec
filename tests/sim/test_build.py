"""Building and caching simulation libraries, with and without a real compiler."""

import os
import pathlib
import re
import shutil
import stat
import textwrap
import threading
import time

import pytest

from accel.params import Params
from accel.sim import cache
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
    before = len(compilations(tmp_path))
    (begun,) = (tmp_path / "cache" / "machine").glob("*.begun")
    finished = {path.stem for path in (begun / "work").glob("*.o")}
    (begun / "accelerator.so.1.new").touch()  # and what it had not finished is not
    stages = []
    built = Builder(path, tmp_path / "cache").build(
        PARAMS, Copier, lambda stage, share: stages.append(stage)
    )
    assert "run Verilator" not in stages
    again = [re.findall(r"-o (\S+?)\.o", line)[0] for line in compilations(tmp_path)[before:]]
    assert finished and finished.isdisjoint(pathlib.Path(name).name for name in again)
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


def killed_removing(monkeypatch, below, build):
    """Begin a build that ends, as killed, where it would remove a folder below another."""
    remove = shutil.rmtree

    def end(path, *arguments, **options):
        if below in pathlib.Path(path).parents:
            raise KeyboardInterrupt
        remove(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", end)
        with pytest.raises(KeyboardInterrupt):
            build()


def test_a_build_that_is_killed_while_it_tidies_up(tmp_path, compiler, monkeypatch):
    """The library is there, and of the folder that it was made in a part."""
    path = compiler('touch "$out"')
    folder = tmp_path / "cache"
    killed_removing(monkeypatch, folder, lambda: Builder(path, folder).build(PARAMS, Copier))
    (begun,) = (tmp_path / "cache" / "machine").glob("*.begun")
    for work in begun.glob("work*"):
        (work / "Vaccelerator_classes.mk").unlink(missing_ok=True)  # what went first
    count = len(compilations(tmp_path))
    built = Builder(path, tmp_path / "cache").build(PARAMS, Copier)
    assert len(compilations(tmp_path)) == count
    assert [one.name for one in built.parent.iterdir()] == [LIBRARY]


def test_an_entry_is_never_half_removed(tmp_path, monkeypatch):
    """The longest unused entry goes when there are too many: at once, or not at all."""
    monkeypatch.setattr(cache, "_KEPT", 1)
    store = cache.Cache(tmp_path)

    def make(directory):
        (directory / "file").touch()

    old = store.entry("kind", "aa", make)
    os.utime(old, (0, 0))
    killed_removing(monkeypatch, tmp_path, lambda: store.entry("kind", "bb", make))
    assert not old.exists() or (old / "file").exists()
    assert (store.entry("kind", "aa", make) / "file").exists()
    os.utime(old, (0, 0))
    store.entry("kind", "cc", make)
    left = {path.name for path in (tmp_path / "kind").iterdir()}
    assert left == {"cc", "cc.lock"} or left == {"bb", "bb.lock"}


def test_an_empty_entry_is_none(tmp_path):
    """Earlier versions removed an entry file by file, and may have been killed behind the last."""
    (tmp_path / "kind" / "aa").mkdir(parents=True)
    entry = cache.Cache(tmp_path).entry("kind", "aa", lambda place: (place / "file").touch())
    assert (entry / "file").exists()


def test_what_another_process_makes_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_ABANDONED", -1)
    begun = tmp_path / "kind" / "aa.begun"
    begun.mkdir(parents=True)
    with cache._locked(tmp_path / "kind" / "aa.lock"):
        cache.Cache(tmp_path).entry("kind", "bb", lambda place: (place / "file").touch())
        assert begun.exists()
    cache.Cache(tmp_path).entry("kind", "cc", lambda place: (place / "file").touch())
    assert {path.name for path in (tmp_path / "kind").iterdir()} == {
        "bb", "bb.lock", "cc", "cc.lock"
    }  # fmt: skip


def test_a_lock_that_was_removed_is_none(tmp_path):
    """Who waited for a lock that its holder removed would hold one that nobody else can see."""
    held = threading.Event()

    def hold():
        with cache._locked(tmp_path / "aa.lock") as lock:
            held.set()
            time.sleep(0.2)
            lock.unlink()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with cache._locked(tmp_path / "aa.lock"):
        assert (tmp_path / "aa.lock").exists()
    holder.join()
