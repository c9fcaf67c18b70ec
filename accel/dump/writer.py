"""Writing the folder of a run's layers."""

import json
import pathlib
import re

import numpy as np

from accel.dump import hexfile, nodes
from accel.errors import why
from accel.graph.ir import External
from accel.graph.ports import InputError
from accel.whole import replacing_folder

INDEX, SCHEMA, GENERATOR = "index.json", 1, "accel run --dump"
_ORDER = (
    "tensors: image, row, column, channel; word_bytes bytes a line, the first in the lowest bits; "
    "32-bit numbers one a line"
)


def write(result, folder: pathlib.Path) -> pathlib.Path:
    """Write the layers of an accel.Result into a folder; return the index's path.

    The folder is new, empty, or of an earlier run, which goes.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    inside = result._inside()
    try:
        check(folder)
        with replacing_folder(folder) as new:
            _Writer(inside, result.report, new).write()
    except OSError as error:
        raise InputError(f"{folder}: cannot hold the layers: {why(error, folder)}") from error
    return folder / INDEX


def check(folder: pathlib.Path) -> None:
    """Refuse a folder that is not empty and not ours, before there is anything to write.

    Raises:
        InputError: naming the folder, the rule and what it holds.
    """
    if not folder.exists():
        return
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["a file"]
    ours = False
    if INDEX in names:
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            ours = index["generator"] == GENERATOR
        except (ValueError, KeyError, TypeError):
            ours = False
    if names and not ours:
        raise InputError(f"{folder}: must be new, empty or of an earlier --dump, but holds "
                         f"{names[0]!r}")  # fmt: skip


class _Writer:
    """Writes one folder.

    Parameters:
        inside: of the run, accel.result.Inside.
        report: of the run.
        folder: empty.
    """

    def __init__(self, inside, report: dict, folder: pathlib.Path):
        self._inside, self._report, self._folder = inside, report, folder
        self._program = inside.batches[0].program
        self._bus = self._program.params.bus_bytes
        self._units = {name: layer for layer in self._program.layers for name in layer.nodes}

    def write(self) -> None:
        """Write the layers, then the index."""
        layers = [self._layer(number, node)
                  for number, node in enumerate(self._inside.graph.nodes)]  # fmt: skip
        index = {
            "schema": SCHEMA,
            "generator": GENERATOR,
            **{name: self._report[name] for name in ("network", "images", "engine")},
            "machine": self._report.get("machine"),
            "word_bytes": self._bus,
            "order": _ORDER,
            "layers": layers,
        }
        text = json.dumps(index, indent=1) + "\n"
        (self._folder / INDEX).write_text(text, encoding="utf-8")

    def _layer(self, number: int, node) -> dict:
        """Write the files of a node; return what the index says of it."""
        place = f"{number:03}_{re.sub(r'[^A-Za-z0-9_.-]+', '_', node.name)[:60]}"
        (self._folder / place).mkdir()
        unit = self._units.get(node.name)
        begins = unit is not None and unit.nodes[0] == node.name
        return {
            "number": number,
            "name": node.name,
            "op": node.op,
            "where": unit.unit if unit else "host" if self._on_host(node) else "memory",
            "machine_layer": unit and unit.name,
            "attributes": nodes.attributes(node),
            "inputs": [self._tensor(place, f"input{position}", name, self._inside.golden[name])
                       for position, name in enumerate(node.inputs)],
            "parameters": {name: self._array(place, name, values)
                           for name, values in nodes.arrays(node).items()},
            "streams": self._streams(place, unit.records) if begins else [],
            "outputs": [self._output(place, position, name)
                        for position, name in enumerate(node.outputs)],
        }  # fmt: skip

    def _on_host(self, node) -> bool:
        return isinstance(node, External) or node.name in self._inside.batches[0].host_seconds

    def _output(self, place: str, position: int, name: str) -> dict:
        stem = "output" if position == 0 else f"output{position}"
        found = self._tensor(place, stem, name, self._inside.golden[name])
        stored = self._inside.of_rtl(name)
        return found | {"rtl": stored is not None and self._array(place, f"{stem}_rtl", stored)}

    def _tensor(self, place: str, stem: str, name: str, values: np.ndarray) -> dict:
        tensor = self._inside.graph.tensors[name]
        about = {"tensor": name, "scale": float(tensor.scale), "zero_point": int(tensor.zero_point)}
        return about | self._array(place, stem, values)

    def _array(self, place: str, stem: str, values: np.ndarray) -> dict:
        """Write an array; return where it is."""
        np.save(self._folder / place / f"{stem}.npy", np.ascontiguousarray(values))
        about = {"shape": list(values.shape), "dtype": str(values.dtype),
                 "npy": f"{place}/{stem}.npy"}  # fmt: skip
        if values.dtype.kind in "iu" and values.itemsize <= 4:
            about["hex"] = f"{place}/{stem}.hex"
            text = hexfile.words(values, self._bus)
            (self._folder / about["hex"]).write_text(text, encoding="ascii")
        return about

    def _streams(self, place: str, records) -> list[dict]:
        """Write what the machine reads of a layer's parameters and weights, record by record."""
        found = []
        for number, (address, size) in enumerate(records):
            values = self._program.image[address : address + size]
            about = {"address": address, "bytes": size, "hex": f"{place}/stream{number}.hex"}
            text = hexfile.words(values, self._bus)
            (self._folder / about["hex"]).write_text(text, encoding="ascii")
            found.append(about)
        return found
