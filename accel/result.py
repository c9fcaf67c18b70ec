"""What a run gives back: outputs, the report, and every layer in one's hands."""

import dataclasses
import html
import os
import pathlib
from typing import Any

import numpy as np

from accel.batch import Batch
from accel.graph.ir import Graph
from accel.graph.ports import InputError
from accel.machines.text import in_words
from accel.report.words import counted


@dataclasses.dataclass(frozen=True)
class LayerResult:
    """One layer of a run.

    Attributes:
        name, op: as the report has them.
        where: "array", "window" or "host": what computed it.
        tensor: the name of the tensor that it ends in.
        output: what it computed, all images: [images, height, width, channels], int8 unless the
            host computed another type.
        golden: the same from the golden model.
        counters: the layer's row of the report: cycles, MACs, bytes, idle cycles by cause.
    """

    name: str
    op: str
    where: str
    tensor: str
    output: np.ndarray
    golden: np.ndarray
    counters: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Inside:
    """What a run saw: the network, its batches, and the golden model's tensors by name."""

    graph: Graph
    batches: tuple[Batch, ...]
    golden: dict[str, np.ndarray]

    def of_rtl(self, name: str) -> np.ndarray | None:
        """A tensor that the machine (or the host behind it) stored, all images, or None."""
        if not all(name in batch.tensors for batch in self.batches):
            return None
        return np.concatenate([batch.tensors[name] for batch in self.batches])


@dataclasses.dataclass(frozen=True)
class Result:
    """What :func:`accel.run` gives back.

    Attributes:
        outputs: one array per network output, in the model's own order, layout and dtype, with the
            images along the first axis.
        report: the dict that report.json holds; cycles are clock cycles of the machine.
        inside: what :attr:`layers`, :meth:`tensor` and :meth:`dump` show.

    >>> import accel
    >>> result = accel.run("notes", limit=1, array=(4, 4), engine="pysim")
    >>> [(layer.name, layer.where, layer.output.shape) for layer in result.layers]
    [('conv1', 'array', (1, 2, 2, 1)), ('dense1', 'array', (1, 1, 1, 1))]
    >>> result.report["total"]["mismatches"]
    0
    """

    outputs: list[np.ndarray]
    report: dict[str, Any]
    inside: Inside | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def layers(self) -> tuple[LayerResult, ...]:
        """Every layer of the first batch's program, in order; the host's parts behind them."""
        inside, found = self._inside(), []
        rows = {row["name"]: row for row in self.report["layers"]}
        first = inside.batches[0]
        for layer in first.program.layers:
            found.append(self._layer(layer.name, layer.output, rows))
        for node in inside.graph.nodes:
            if node.name in first.host_seconds:
                found += [self._layer(node.name, tensor, rows) for tensor in node.outputs]
        return tuple(found)

    def _layer(self, name: str, tensor: str, rows: dict[str, Any]) -> LayerResult:
        copies = self._inside().batches[0].program.copies
        golden = self._inside().golden.get(copies.get(tensor, tensor))
        row = rows.get(name, {"op": "", "where": ""})
        output = self.tensor(tensor)
        return LayerResult(name, row["op"], row["where"], tensor, output,
                           output if golden is None else golden, row)  # fmt: skip

    def tensor(self, name: str) -> np.ndarray:
        """A tensor of the network by its name: [images, height, width, channels], all images.

        As the machine stored it; one that it never stored, because a layer behind is fused, is
        the golden model's.

        Raises:
            InputError: there is no such tensor; names those that there are.
        """
        inside = self._inside()
        found = inside.of_rtl(name)
        if found is None:
            found = inside.golden.get(name)
        if found is None:
            known = ", ".join(dict.fromkeys([*inside.graph.tensors]))
            raise InputError(f"tensor must be one of {known}, not {name!r}")
        return found

    def dump(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Write every layer's inputs, weights, parameters and outputs into a folder (accel.dump).

        Returns:
            The index's path.

        Raises:
            InputError: the folder holds something else, or cannot be written.
        """
        from accel.dump import write

        return write(self, pathlib.Path(folder))

    def _inside(self) -> Inside:
        if self.inside is None:
            raise InputError("this result has no layers: it was not made by accel.run")
        return self.inside

    def _repr_html_(self) -> str:
        """The table of layers, for notebooks."""
        total, machine = self.report["total"], self.report["machine"]
        columns = ("name", "op", "output_shape", "macs", "cycles", "own_utilisation", "mismatches")
        rows = []
        for layer in self.report["layers"]:
            cells = dict(layer, output_shape="x".join(map(str, layer["output_shape"])))
            cells["own_utilisation"] = f"{layer['own_utilisation']:.1%}"
            rows.append("".join(f"<td>{_cell(cells[name])}</td>" for name in columns))
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in columns)
        title = (
            f"{self.report['network']}: {counted(self.report['images'], 'image')}, "
            f"{total['cycles']:,} cycles, utilisation {total['utilisation']:.1%}, "
            f"{total['mismatches']} bytes differ; machine {machine['name']}: "
            f"{in_words(machine['params'], machine['memory'])}"
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return (
            f"<table><caption>{html.escape(title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)
    return html.escape(text)
