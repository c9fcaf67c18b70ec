"""Somebody else's layers held against those of a dump."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator

import numpy as np

from accel.dump import hexfile, sums
from accel.dump.writer import GENERATOR, INDEX
from accel.graph.ports import InputError

#: What an array's axes are, by what it is.
_AXES = {
    "tensor": ("image", "row", "column", "channel"), "weights": ("output", "ky", "kx", "input"),
}  # fmt: skip
#: Bytes of a name, before its ending, that a file can have everywhere.
_LONGEST = 240


@dataclasses.dataclass(frozen=True)
class Difference:
    """A file that differs: whose, how many elements, and the first of them.

    ``at`` are the first element's coordinates, ``mine`` and ``other`` its values in the dump and in
    the file, ``why`` the sums behind the dump's.
    """

    layer: str
    path: pathlib.Path
    differing: int
    elements: int
    at: dict[str, int]
    mine: int | float
    other: int | float
    why: list[str]

    @property
    def message(self) -> str:
        """It in one line."""
        where = ", ".join(f"{axis} {number}" for axis, number in self.at.items())
        return (
            f"{self.layer}: {self.differing} of {self.elements} differ in {self.path}; the first "
            f"at {where}: {self.mine} expected, {self.other} found"
        )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What was compared: how many files, of which layers, what differs, which had no file."""

    files: int
    layers: list[str]
    differences: list[Difference]
    missing: list[str]


@dataclasses.dataclass(frozen=True)
class _Array:
    """An array of a dump: its layer, what it is, and where it lies."""

    layer: dict
    kind: str  # "tensor", "weights" or another parameter's name
    role: str  # "input", "output" or "parameter"
    about: dict
    golden: dict  # what must be in it: of an RTL's output the golden model's


def compare(folder: pathlib.Path, other: pathlib.Path) -> Comparison:
    """Hold what is in ``other`` against the dump in ``folder``.

    In ``other`` files may have the names that they have in a dump; a layer's output may also be
    NAME.npy or NAME.hex, NAME being the layer's or the tensor's.

    Raises:
        InputError: ``folder`` is no dump, ``other`` has nothing of it, or a file is damaged or of
            another shape; names file, rule and value.
    """
    index = _index(folder)
    if not other.is_dir():
        raise InputError(f"{other}: must be a folder with the outputs of layers")
    differences, compared, files = [], [], 0
    for layer in index["layers"]:
        for array in _arrays(layer):
            for path in _files(array, other):
                files += 1
                compared.append(layer["name"])
                expected = _load(folder / array.golden["npy"], array.golden, index)
                found = _load(path, array.about, index).reshape(expected.shape)
                differences += _difference(folder, index, array, path, expected, found)
        for stream in layer["streams"]:
            path = other / stream["hex"]
            if path.is_file():
                files += 1
                differences += _stream(folder / stream["hex"], path, stream, layer, index)
    if not files:
        raise InputError(f"{other}: has no file of a layer, for example "
                         f"{index['layers'][0]['name']}.npy")  # fmt: skip
    missing = [layer["name"] for layer in index["layers"] if layer["name"] not in compared]
    return Comparison(files, list(dict.fromkeys(compared)), differences, missing)


def _index(folder: pathlib.Path) -> dict:
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be the index of a dump: {error}") from error
    if not isinstance(index, dict) or index.get("generator") != GENERATOR:
        raise InputError(f"{path}: must be the index of a dump, written by {GENERATOR}")
    return index


def _arrays(layer: dict) -> Iterator[_Array]:
    """All arrays of a layer, in the order in which an error shows itself."""
    for about in layer["inputs"]:
        yield _Array(layer, "tensor", "input", about, about)
    for name, about in layer["parameters"].items():
        yield _Array(layer, name, "parameter", about, about)
    for about in layer["outputs"]:
        yield _Array(layer, "tensor", "output", about, about)
        if about["rtl"]:
            yield _Array(layer, "tensor", "output", about["rtl"], about)


def _files(array: _Array, other: pathlib.Path) -> list[pathlib.Path]:
    """The files of an array that are there."""
    names = [array.about[form] for form in ("npy", "hex") if form in array.about]
    if array.role == "output" and "tensor" in array.about:
        # Names may hold what cannot be a file's.
        stems = dict.fromkeys([array.layer["name"], array.about["tensor"]])
        names += [f"{stem.replace('/', '_')}.{form}" for stem in stems for form in ("npy", "hex")
                  if len(stem.encode()) <= _LONGEST]  # fmt: skip
    return [other / name for name in names if (other / name).is_file()]


def _load(path: pathlib.Path, about: dict, index: dict) -> np.ndarray:
    """An array of a file, of the shape that it must have."""
    count = int(np.prod(about["shape"], dtype=np.int64))
    try:
        if path.suffix == ".hex":
            text = path.read_text(encoding="ascii")
            values = hexfile.read(text, about["dtype"], count, index["word_bytes"], str(path))
            return values.reshape(about["shape"])
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    wanted = [size for size in about["shape"] if size != 1]
    if [size for size in values.shape if size != 1] != wanted:
        raise InputError(f"{path}: must have shape {tuple(about['shape'])}, not {values.shape}")
    return values.reshape(about["shape"])


def _difference(folder, index, array: _Array, path, expected, found) -> list[Difference]:
    """The difference of a file, if there is one."""
    same = expected == found
    if expected.dtype.kind == "f":
        same |= np.isnan(expected) & np.isnan(found)
    if same.all():
        return []
    at = tuple(int(one) for one in np.unravel_index(np.argmax(~same), same.shape))
    axes = _AXES.get(array.kind, ())
    names = axes if len(axes) == len(at) else [f"index {number}" for number in range(len(at))]
    why = []
    if array.role == "output":
        inputs = [_load(folder / one["npy"], one, index) for one in array.layer["inputs"]]
        parameters = {name: _load(folder / one["npy"], one, index)
                      for name, one in array.layer["parameters"].items()}  # fmt: skip
        why = sums.explain(array.layer, inputs, parameters, at)
    return [
        Difference(
            array.layer["name"], path, int((~same).sum()), same.size,
            dict(zip(names, at, strict=True)), expected[at].item(), found[at].item(), why,
        )
    ]  # fmt: skip


def _stream(mine: pathlib.Path, path: pathlib.Path, about, layer, index) -> list[Difference]:
    size = about["bytes"]
    both = [hexfile.read(one.read_text(encoding="ascii"), np.uint8, size, index["word_bytes"],
                         str(one)) for one in (mine, path)]  # fmt: skip
    differ = np.flatnonzero(both[0] != both[1])
    if not differ.size:
        return []
    first = int(differ[0])
    values = [int(one[first]) for one in both]
    return [Difference(layer["name"], path, differ.size, size, {"byte": first}, *values, [])]
