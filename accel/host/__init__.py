"""The host: parts of a network that the machine does not compute, by their format's own runtime.

Neither of the two witnesses computes these: both hand their tensors to the same runtime, ONNX
Runtime for ONNX files and LiteRT's reference kernels for TFLite, and go on with what it answers.
"""

import importlib
from collections.abc import Mapping

import numpy as np

from accel.errors import AccelError
from accel.graph.ir import External, Graph
from accel.graph.ports import from_tensor, to_tensor

#: Module by ``External.runtime``; each has ``run(model, inputs by name) -> outputs in order``.
RUNTIMES = {"onnxruntime": "accel.host.onnx", "litert": "accel.host.litert"}


class HostError(AccelError, RuntimeError):
    """A runtime failed; the message names the part of the network and what the runtime said."""


def compute(graph: Graph, node: External, values: Mapping[str, np.ndarray]) -> dict:
    """Compute what a part of a network writes, image by image.

    Args:
        graph: the part's network.
        node: the part.
        values: what it reads, by tensor: [batch, height, width, channels].

    Returns:
        What it writes, likewise.

    Raises:
        HostError: the runtime failed, or its answer has another shape or type than it should.
    """
    runtime = importlib.import_module(RUNTIMES[node.runtime])
    given = [
        (port, from_tensor(port, graph.tensors[port.tensor], values[port.tensor]))
        for port in node.reads
    ]
    made = {port.tensor: [] for port in node.writes}
    for image in range(len(given[0][1]) if given else 1):
        inputs = {
            port.name: array[image : image + 1] if port.batched else array[image]
            for port, array in given
        }
        answers = _run(runtime, node, inputs)
        for port, answer in zip(node.writes, answers, strict=True):
            made[port.tensor].append(_checked(graph, node, port, answer))
    return {name: np.concatenate(images) for name, images in made.items()}


def _run(runtime, node: External, inputs) -> list[np.ndarray]:
    try:
        return runtime.run(node.model, inputs)
    except Exception as error:
        text = " ".join(str(error).split())
        raise HostError(f"host part {node.name!r} ({node.op}): {node.runtime}: {text}") from error


def _checked(graph: Graph, node: External, port, answer) -> np.ndarray:
    """One image of what a port's tensor becomes."""
    answer = np.asarray(answer)
    wanted = (1, *port.shape) if port.batched else port.shape
    if answer.shape != tuple(wanted) or answer.dtype != port.dtype:
        raise HostError(
            f"host part {node.name!r} ({node.op}): output {port.name!r} must be {port.dtype} "
            f"{list(wanted)}, not {answer.dtype} {list(answer.shape)}"
        )
    return to_tensor(port, graph.tensors[port.tensor], answer.reshape(1, *port.shape))
