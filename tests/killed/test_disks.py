"""Full disks, read-only folders and homes, other users: one clear line, and no old file lost."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from accel import caches
from accel.errors import is_full, why
from accel.sim import cache
from tests.killed.users import ROOT, as_nobody, limited, on_a_small_disk, read_only, run, theirs

CLI = ("-m", "accel.cli")
#: What of each command's files is too large first; "" is a temporary one.
FULL = {
    ("models", "lenet5", "--onnx", "net.onnx"): "net.onnx",
    ("estimate", "notes", "--array", "4x4", "--out", "out"): "out/report.json",
    ("sweep", "notes", "--array", "4x4,4x8", "--jobs", "1", "--out", "out"): "out/results.parquet",
    ("hls", "notes", "--no-check", "-o", "out"): "out/layers.h",
    ("verilog", "--array", "4x4", "-o", "machine.v"): "",
    ("train", "notes", "--data", "data.npz", "--epochs", "1", "--out", "out"): "out/checkpoint.npz",
}  # fmt: skip


def error_of(done):
    """The one line that a command says on standard error."""
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    return line


def data(folder):
    rng = np.random.default_rng(1)
    np.savez(folder / "data.npz", images=rng.random((20, 1, 6, 6), np.float32),
             labels=np.arange(20) % 2)  # fmt: skip


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The cycle model as compiled code, for which there is no room later."""
    assert run(tmp_path_factory.mktemp("compiled"), *CLI, "estimate", "notes").returncode == 0


@pytest.mark.parametrize("command, named", FULL.items(), ids=[one[0] for one in FULL])
def test_no_room_for_a_file(tmp_path, command, named, request):
    if command[0] in ("estimate", "sweep"):
        request.getfixturevalue("compiled")
    data(tmp_path)
    (tmp_path / "out").mkdir()
    earlier = [tmp_path / name for name in (named, "machine.v") if "layers" not in name and name]
    for path in earlier:
        path.write_text("an earlier result")
    done = run(tmp_path, *CLI, *command, before=limited(4))
    assert done.returncode == 3
    line = error_of(done)
    assert f"{named or tempfile.gettempdir()}: " in line
    assert ": File too large; raise the limit (ulimit -f), or choose another place" in line
    assert {path.read_text() for path in earlier} == {"an earlier result"}
    left = [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    assert not left and (command[0] != "hls" or not os.listdir(tmp_path / "out"))


def test_a_disk_without_room(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    done = run(tmp_path, *CLI, "models", "lenet5", "--onnx", "net.onnx",
               before=on_a_small_disk(place, 100))  # fmt: skip
    assert done.returncode == 3
    assert error_of(done) == (
        "Error: net.onnx: cannot be written: No space left on device; free some space there, or "
        "choose another place"
    )


def test_a_sweep_goes_on_where_the_disk_was_full(tmp_path, compiled):
    """What it had counted is in its journal."""
    command = ("sweep", "notes", "--array", "4x4", "--latency", ",".join(map(str, range(1, 41))),
               "--jobs", "1", "--out", "out")  # fmt: skip
    done = run(tmp_path, *CLI, *command, before=limited(16))
    assert done.returncode == 3
    assert "the same command continues it" in error_of(done)
    kept = (tmp_path / "out" / "journal.jsonl").read_text().splitlines()
    assert 0 < len(kept) < 41
    done = run(tmp_path, *CLI, *command)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "out" / "journal.jsonl").read_text().splitlines()
    assert len(lines) == len({json.loads(line)["latency"] for line in lines}) == 40
    assert lines[: len(kept) - 1] == kept[:-1]


DENIED = [
    ("models", "lenet5", "--onnx", "net.onnx"),
    ("estimate", "notes", "--array", "4x4"),
    ("run", "notes", "--array", "4x4"),
    ("sweep", "notes", "--array", "4x4", "--jobs", "1"),
    ("train", "notes"),
    ("verilog", "--array", "4x4", "-o", "machine.v"),
    ("hls", "notes"),
    ("package", "notes"),
    ("trace", "notes", "--layer", "0"),
    ("page",),
    ("fpga", "--out", "out"),
    ("bench", "golden"),
]


@pytest.mark.parametrize("command", DENIED, ids=lambda command: command[0])
def test_a_folder_that_nobody_may_write_to(tmp_path, command):
    place = read_only(tmp_path / "place")
    done = run(place, *CLI, *command, before=as_nobody(), HOME="/nonexistent")
    assert done.returncode == 2
    line = error_of(done)
    assert "Permission denied; choose a place that this user may write to" in line
    assert "build/" in line or command[-1] in line or "notes" in line or "lenet5.html" in line
    assert os.listdir(place) == []


KERNEL = """
from accel.compiled import compiled

@compiled
def double(a):
    return 2 * a
"""


def test_code_is_kept_where_neither_source_nor_home_can_be_written(tmp_path):
    """As of a wheel that root has installed, for a user without a home."""
    package = tmp_path / "kernels_of"
    package.mkdir()
    (package / "double.py").write_text(KERNEL)
    read_only(package)
    place = theirs(tmp_path / "temporary")
    call = (
        "import sys; sys.path.insert(0, sys.argv[1]); from kernels_of.double import double; "
        "print(double(4), sum(double.stats.cache_hits.values()))"
    )
    for hits in (0, 1):
        done = run(place, "-c", call, tmp_path, before=as_nobody(), HOME="/nonexistent",
                   TMPDIR=str(place))  # fmt: skip
        assert done.stdout.split() == ["8", str(hits)], done.stderr


def test_a_simulator_that_somebody_else_has_built(tmp_path, monkeypatch):
    """It is used where it lies; what is missing is made among this user's temporary files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path))
    caches.spare_directory.cache_clear()

    def make(folder):
        (folder / "library").touch()

    there = cache.Cache().entry("machine", "aa", make)
    assert there == tmp_path / "accel" / "machine" / "aa"
    monkeypatch.setattr(caches, "can_write", lambda folder: False)
    assert cache.Cache().entry("machine", "aa", make) == there
    made = cache.Cache().entry("machine", "bb", make)
    assert made == tmp_path / f"accel-{os.geteuid()}" / "machine" / "bb"
    caches.spare_directory.cache_clear()


def test_a_user_without_a_home(monkeypatch, tmp_path):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(caches.pathlib.Path, "home", unknown)
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path))
    caches.spare_directory.cache_clear()
    assert caches.cache_directory() == tmp_path / f"accel-{os.geteuid()}"
    caches.spare_directory.cache_clear()


def test_tools_keep_their_code_where_they_can(monkeypatch, tmp_path):
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "YOWASP_CACHE_DIR" not in caches.for_tools()
    monkeypatch.setattr(caches, "can_write", lambda folder: False)
    monkeypatch.setattr(caches, "spare_directory", lambda: tmp_path / "spare")
    assert caches.for_tools()["YOWASP_CACHE_DIR"] == str(tmp_path / "spare" / "YoWASP")


@pytest.mark.parametrize("trap", ["link", "others", "file"])
def test_nobody_can_lay_code_in_wait(monkeypatch, tmp_path, trap):
    """Among the temporary files everybody may make a folder, and code in it would be run."""
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path))
    caches.spare_directory.cache_clear()
    place = tmp_path / f"accel-{os.geteuid()}"
    if trap == "link":
        (tmp_path / "theirs").mkdir()
        place.symlink_to(tmp_path / "theirs")
    elif trap == "others":
        place.mkdir()
        place.chmod(0o777)
    else:
        place.write_text("")
    found = caches.spare_directory()
    caches.spare_directory.cache_clear()
    assert found != place and found.stat().st_mode & 0o777 == 0o700


def output_of(command, **streams):
    return subprocess.Popen([sys.executable, *CLI, *command], text=True, cwd=ROOT,
                            env=os.environ | {"PYTHONPATH": str(ROOT)}, **streams)  # fmt: skip


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_without_room(monkeypatch, unbuffered):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        process = output_of(["models"], stdout=full, stderr=subprocess.PIPE)
        said = process.communicate()[1]
    assert process.returncode == 3
    assert said.splitlines() == [
        "Error: standard output: No space left on device; free some space there, or choose "
        "another place"
    ]


def test_nobody_reads_the_error_either():
    read, write = os.pipe()
    os.close(read)
    process = output_of(["run", "no-such-network"], stdout=write, stderr=write)
    os.close(write)
    assert process.wait() == 141


def test_closed_from_the_beginning():
    done = subprocess.run(
        ["bash", "-c", f'exec {sys.executable} -m accel.cli models >&-'], cwd=ROOT, check=False,
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_what_an_error_says():
    error = OSError(28, "No space left on device", "a/b")
    assert why(error) == "a/b: No space left on device; free some space there, or choose " \
                         "another place"  # fmt: skip
    assert why(error, "a/b").startswith("No space left")
    assert why(ValueError("else")) == "else"
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = error
    assert is_full(wrapped) and not is_full(ValueError()) and not is_full(OSError(13, "denied"))
