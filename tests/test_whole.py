"""Files and folders are whole or absent, whatever ends their maker, and nothing stays beside them.
"""

import errno
import os
import pathlib
import subprocess
import sys
import threading

import pytest

from accel import whole

ROOT = pathlib.Path(__file__).parent.parent
#: Ends the process, as if killed, inside of what makes a file or a folder.
KILLED = """
import os, pathlib, sys
from accel import whole

made = pathlib.Path(sys.argv[2])
with getattr(whole, sys.argv[1])(made) as new:
    ((new / "file") if new.is_dir() else new).write_text("half")
    os._exit(9)
"""


def killed(kind, path):
    done = subprocess.run([sys.executable, "-c", KILLED, kind, str(path)], check=False,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 9


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path, text):
    with whole.replacing(path) as new:
        new.write_text(text)


def fill(folder, text):
    with whole.replacing_folder(folder) as new:
        (new / "file").write_text(text)


def test_a_file_is_replaced_or_stays(tmp_path):
    path = tmp_path / "report.json"
    write(path, "old")
    with pytest.raises(KeyboardInterrupt), whole.replacing(path) as new:
        new.write_text("half")
        raise KeyboardInterrupt
    assert (path.read_text(), names(tmp_path)) == ("old", ["report.json"])


def test_a_folder_is_replaced_or_stays(tmp_path):
    folder = tmp_path / "deeper" / "package"
    fill(folder, "old")
    with pytest.raises(KeyboardInterrupt), whole.replacing_folder(folder) as new:
        (new / "file").write_text("half")
        raise KeyboardInterrupt
    assert ((folder / "file").read_text(), names(folder.parent)) == ("old", ["package"])
    fill(folder, "new")
    assert ((folder / "file").read_text(), names(folder.parent)) == ("new", ["package"])


def test_what_a_killed_process_left_goes_with_the_next(tmp_path):
    write(tmp_path / "file", "old")
    fill(tmp_path / "folder", "old")
    killed("replacing", tmp_path / "file")
    killed("replacing_folder", tmp_path / "folder")
    assert len(names(tmp_path)) == 4
    assert (tmp_path / "file").read_text() == "old"
    assert (tmp_path / "folder" / "file").read_text() == "old"
    write(tmp_path / "file", "new")
    fill(tmp_path / "folder", "new")
    assert names(tmp_path) == ["file", "folder"]


def test_what_a_living_process_makes_stays(tmp_path):
    """And what others call nearly so."""
    (tmp_path / ".file.original").write_text("mine")
    with whole.replacing(tmp_path / "file") as first:
        first.write_text("first")
        write(tmp_path / "file", "second")
        assert first.read_text() == "first"
    assert (tmp_path / "file").read_text() == "first"
    assert names(tmp_path) == [".file.original", "file"]


def test_a_workspace_goes_with_the_next_of_its_name(tmp_path):
    code = KILLED.replace("(made)", "(made, 'wave')")
    subprocess.run([sys.executable, "-c", code, "workspace", str(tmp_path)], check=False,
                   env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
    assert len(names(tmp_path)) == 1
    with whole.workspace(tmp_path, "wave") as work:
        (work / "wave.fst").write_text("whole")
        (work / "wave.fst").replace(tmp_path / "wave.fst")
    assert names(tmp_path) == ["wave.fst"]


#: Ends the process, as if killed, when a folder is renamed for the n-th time, one by one.
BETWEEN = """
import ctypes, os, pathlib, sys
from accel import whole

ctypes.CDLL = lambda *_, **__: object()
rename, left = pathlib.Path.rename, [int(sys.argv[2])]

def count(path, target):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    return rename(path, target)

pathlib.Path.rename = count
with whole.replacing_folder(pathlib.Path(sys.argv[1])) as new:
    (new / "file").write_text("new")
"""


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_between_two_names_of_a_folder(tmp_path, renames):
    """Where two folders cannot change places at once, the old one may be under no name: the next
    that writes there first gives it back."""
    folder = tmp_path / "dump"
    fill(folder, "old")
    done = subprocess.run([sys.executable, "-c", BETWEEN, str(folder), str(renames)], check=False,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == (9 if renames < 2 else 0)
    assert folder.exists() == (renames != 1)
    with pytest.raises(KeyboardInterrupt), whole.replacing_folder(folder):
        raise KeyboardInterrupt
    assert (folder / "file").read_text() == ("old" if renames < 2 else "new")
    assert names(tmp_path) == ["dump"]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for text in ("first", "second"):
        write(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_text() == text


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    """/dev/null would be a file for everybody, after root's ``-o /dev/null``."""
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write(tmp_path / "pipe", "text")
    reader.join()
    assert (read, (tmp_path / "pipe").is_fifo()) == (["text"], True)


@pytest.mark.parametrize("named", [None, "temporary"])
def test_an_error_names_what_was_asked_for(tmp_path, named):
    path = tmp_path / "file"
    with pytest.raises(OSError) as raised, whole.replacing(path) as new:
        raise OSError(errno.ENOSPC, "No space left on device", named and str(new))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    with pytest.raises(OSError) as raised, whole.replacing_folder(tmp_path / "folder") as new:
        raise OSError(errno.ENOSPC, "No space left on device", str(new / "deep" / "file"))
    assert raised.value.filename == str(tmp_path / "folder" / "deep" / "file")
    with pytest.raises(OSError) as raised, whole.replacing(path):
        raise OSError(errno.EACCES, "Permission denied", "/another")
    assert raised.value.filename == "/another"


def test_no_such_folder_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, whole.replacing(tmp_path / "no" / "file"):
        pass
    assert raised.value.filename == str(tmp_path / "no" / "file")
