"""How far a quantised network is from its float form: layer by layer, and in its answers.

For every tensor of the int8 network that stands for a float value: the energy of that value over
the energy of the difference, in decibels.  6 dB more are one bit more.  The error of a layer holds
that of the layers before it, so the table also says how much is lost in the layer itself: against
the worst of what it reads.
"""

import collections
import math

import numpy as np
import rich.box
import rich.table

from accel import golden
from accel.graph import ports
from accel.graph.ir import Conv, External, Graph, Reshape, Tensor
from accel.report.words import counted


def compare(graph: Graph, reference, images: dict[str, np.ndarray], tell=None) -> dict:
    """Run both on all images, one by one.

    Args:
        graph: the int8 network.
        reference: its float form (a FloatModel's ``reference``).
        images: float32 by input name.
        tell: called with a stage and a share from 0 to 1.

    Returns:
        ``layers``: name, op, tensor and ``snr_db`` (None: equal) and ``lost_db`` of each;
        ``outputs``: ``snr_db`` of each; ``top1``: ``agree`` of ``images``, if they are classes;
        ``images``.
    """
    sums, output_sums = collections.defaultdict(_Energy), collections.defaultdict(_Energy)
    count = len(next(iter(images.values())))
    last = getattr(reference, "channels_last", False)
    agree, classes, mixed = 0, False, set() if last else _mixed(graph)
    for number in range(count):
        if tell:
            tell("comparing with float", number / count)
        image = {name: values[number : number + 1] for name, values in images.items()}
        wanted = reference.run(image)
        found = golden.run(graph, ports.read_inputs(graph, image))
        for tensor, name in reference.names.items():
            values = _as_float(graph.tensors[tensor], found.get(tensor), wanted[name], last)
            if values is not None and tensor not in mixed:
                sums[tensor].add(wanted[name], values)
        outputs = ports.outputs(graph, found)
        for name, values in zip(reference.outputs, outputs, strict=True):
            output_sums[name].add(wanted[name], values)
        first = wanted[reference.outputs[0]]
        classes = first.ndim > 1 and first.size == first.shape[1] > 1
        agree += classes and int(first.argmax() == outputs[0].argmax())
    return {
        "images": count,
        "layers": _layers(graph, {name: energy.decibels for name, energy in sums.items()}),
        "outputs": [{"name": name, "snr_db": energy.decibels}
                    for name, energy in output_sums.items()],
        **({"top1": {"agree": agree, "images": count}} if classes else {}),
    }  # fmt: skip


class _Energy:
    """Of a signal, and of what another one differs by."""

    def __init__(self):
        self._signal = self._noise = 0.0

    def add(self, wanted: np.ndarray, found: np.ndarray) -> None:
        wanted = np.asarray(wanted, np.float64)
        self._signal += float(np.square(wanted).sum())
        self._noise += float(np.square(wanted - np.reshape(found, wanted.shape)).sum())

    @property
    def decibels(self) -> float | None:
        """The ratio of both; None where nothing differs."""
        if not self._noise:
            return None
        return 10 * math.log10(self._signal / self._noise) if self._signal else -math.inf


def _mixed(graph: Graph) -> set[str]:
    """Tensors whose elements may lie in another order than the float model's: flattened images.

    The machine lists them pixel by pixel, and the weights of the layer behind are for that.
    """
    found = set()
    for node in graph.nodes:
        flat = isinstance(node, Reshape)
        if flat or not isinstance(node, (Conv, External)) and found.intersection(node.inputs):
            found.update(node.outputs)
    return found


def _as_float(tensor: Tensor, values: np.ndarray | None, wanted: np.ndarray,
              last: bool) -> np.ndarray | None:
    """An int8 tensor as the float value has it; None where its order is not known.

    ``last`` says that the float values, too, have the channels of a pixel beside each other.
    """
    if values is None or values.size != wanted.size:
        return None
    if tensor.dtype == "int8":
        values = ports.to_float(values, tensor.scale, tensor.zero_point)
    if last:
        return values.reshape(wanted.shape)
    height, width, channels = tensor.shape
    if wanted.ndim == 4 and wanted.shape[1:] == (channels, height, width):
        return values.transpose(0, 3, 1, 2)
    in_order = height * width == 1 and wanted.ndim == 2 or channels == 1 or tensor.dtype != "int8"
    return values.reshape(wanted.shape) if in_order else None


def _layers(graph: Graph, ratios: dict[str, float | None]) -> list[dict]:
    """Rows of the network's tensors in its order, those that nothing computes first."""
    made = [("input", port.name, (), port.tensor) for port in graph.inputs]
    made += [(node.op, node.name, node.inputs, name)
             for node in graph.nodes for name in node.outputs]  # fmt: skip
    rows = []
    for op, name, sources, tensor in made:
        if tensor in ratios:
            before = [ratios[one] for one in sources if ratios.get(one) is not None]
            lost = None
            if ratios[tensor] is not None and before:
                lost = min(before) - ratios[tensor]
            rows.append({"name": name, "op": op, "tensor": tensor, "snr_db": ratios[tensor],
                         "lost_db": lost})
    return rows


def render(fidelity: dict, title: str) -> rich.table.Table:
    """A table of :func:`compare`'s layers and outputs, ready to print."""
    table = rich.table.Table(title=title, box=rich.box.SIMPLE_HEAD,
                             caption=_caption(fidelity), caption_justify="left")
    for column in ("layer", "op", "signal to noise, dB", "lost here, dB"):
        table.add_column(column, overflow="fold", justify="right" if "dB" in column else "left")
    for row in fidelity["layers"]:
        lost = "" if row["lost_db"] is None else f"{row['lost_db']:+.1f}"
        table.add_row(row["name"], row["op"], _told(row["snr_db"]), lost)
    table.add_section()
    for row in fidelity["outputs"]:
        table.add_row(row["name"], "output", _told(row["snr_db"]), "")
    return table


def _told(ratio: float | None) -> str:
    return "equal" if ratio is None else f"{ratio:.1f}"


def _caption(fidelity: dict) -> str:
    images = counted(fidelity["images"], "image")
    if "top1" not in fidelity:
        return f"int8 against float over {images}"
    agree, of = fidelity["top1"]["agree"], fidelity["top1"]["images"]
    return f"int8 against float over {images}; the same top-1 on {agree} of {of} ({agree / of:.1%})"
