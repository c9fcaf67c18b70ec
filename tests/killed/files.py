"""What a folder holds: whether every file is whole, and whether two folders hold the same."""

import io
import json
import pathlib
import re
import struct

import numpy as np
import onnx
import pyarrow.parquet
from PIL import Image

#: What differs from run to run: times, and what is computed from them.
_TIMES = re.compile(r"seconds|per_second|speed|date|made|load|\bms\b")
#: Bytes of a waveform's header that tell when it was written.
_DATE = 202, 330
#: Files that show times to people: they are looked at, but not compared.
_SHOWN = (".html", ".md")


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """All files below a folder by their names; none that its maker has not finished yet."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not temporary(name):
            found[name] = path.read_bytes()
    return found


def temporary(name: str) -> bool:
    """Whether a name below a folder says that what it names is not finished."""
    return any(
        re.search(r"^\..*\.accel-\w{8}$|\.new$|\.begun$|\.gone$|\.tmp\.", part)
        for part in name.split("/")
    )


def leftovers(folder: pathlib.Path) -> list[str]:
    """What is not finished below a folder."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [name for name in names if temporary(name)]


def check(name: str, content: bytes) -> None:
    """Read a file as its kind is read.

    Raises:
        Exception: it is not whole.
    """
    reader = _READERS.get(pathlib.PurePath(name).suffix)
    if reader is not None:
        reader(content)


def _json(content: bytes):
    json.loads(content)


def _lines(content: bytes):
    """A journal; its last line may be under way."""
    for line in content.split(b"\n")[:-1]:
        json.loads(line)


def _npz(content: bytes):
    with np.load(io.BytesIO(content)) as file:
        return {name: file[name] for name in file.files}


def _image(content: bytes):
    Image.open(io.BytesIO(content)).load()


def _ending(*texts: bytes):
    def check_end(content: bytes):
        if not content.rstrip().endswith(texts):
            raise ValueError(f"ends with {content[-40:]!r}")

    return check_end


def _fst(content: bytes):
    """Blocks one behind the other, exactly to the end."""
    at = 0
    while at < len(content):
        if content[at] == 255:
            raise ValueError("a block is under way")
        at += 1 + struct.unpack(">Q", content[at + 1 : at + 9])[0]
    if at != len(content) or not at:
        raise ValueError(f"{len(content)} bytes, of {at}")


_READERS = {
    ".json": _json, ".jsonl": _lines, ".npz": _npz, ".png": _image, ".fst": _fst,
    ".npy": lambda content: np.load(io.BytesIO(content)),
    ".onnx": onnx.load_from_string,
    ".parquet": lambda content: pyarrow.parquet.read_table(io.BytesIO(content)),
    ".v": _ending(b"endmodule", b"*/"), ".html": _ending(b"</html>"), ".csv": _ending(b""),
}  # fmt: skip


def same(name: str, one: bytes, other: bytes) -> bool:
    """Whether two versions of a file hold the same, but for times."""
    suffix = pathlib.PurePath(name).suffix
    if one == other or suffix in _SHOWN:
        return True
    if suffix == ".json":
        return _timeless(json.loads(one)) == _timeless(json.loads(other))
    if suffix == ".jsonl":
        return _rows(one) == _rows(other)
    if suffix == ".parquet":
        return _table(one) == _table(other)
    if suffix == ".csv":
        return _columns(one) == _columns(other)
    if suffix == ".fst":
        return one[: _DATE[0]] + one[_DATE[1] :] == other[: _DATE[0]] + other[_DATE[1] :]
    if suffix == ".gtkw":
        return _placeless(one) == _placeless(other)
    if suffix == ".npz":
        a, b = _npz(one), _npz(other)
        return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)
    return False


def _placeless(content: bytes) -> list[bytes]:
    """GTKWave's file without the place of its waveform."""
    return [line for line in content.split(b"\n") if not line.startswith(b"[dumpfile]")]


def _timeless(value):
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if not _TIMES.search(key)}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def _rows(content: bytes) -> set[str]:
    """A journal's lines in any order, the last one of each point."""
    lines = (json.loads(line) for line in content.split(b"\n") if line)
    return {json.dumps(_timeless(line), sort_keys=True) for line in lines}


def _table(content: bytes) -> list[str]:
    rows = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    return sorted(json.dumps(_timeless(row), sort_keys=True) for row in rows)


def _columns(content: bytes) -> list[tuple]:
    head, *rows = content.decode().splitlines()
    kept = [n for n, name in enumerate(head.split(",")) if not _TIMES.search(name)]
    return sorted(tuple(row.split(",")[n] for n in kept) for row in rows)
