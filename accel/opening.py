"""What a user calls a network: a built-in name, a file or a graph; and the images it brings along.

A built-in network without a trained file has seeded random weights and images, and a report says
so.
"""

import dataclasses
import hashlib
import os
import pathlib

import numpy as np

from accel import models, seeded
from accel.errors import shown
from accel.frontend import FORMATS, ModelError, load
from accel.graph.ir import Graph
from accel.graph.ports import InputError

Model = str | os.PathLike[str] | Graph


def open_network(model: Model, *, exact: bool = False) -> Graph:
    """A graph from a built-in name, a path to a network file, or a graph.

    A built-in network without a trained file has seeded random weights.

    Args:
        model: a built-in name, a path to an int8 .onnx or .tflite file, or a Graph, which is
            given back.
        exact: of a file: what the machine may compute a step off the format's own runtime, the
            host computes (reports/operators.md says what that is).

    Returns:
        The network: int8 tensors [height, width, channels], nodes with integer requantisation.

    Raises:
        ModelError: the file cannot be used; names file, node and rule.

    >>> import accel
    >>> graph = accel.open_network("mnist")
    >>> len(graph.nodes), graph.inputs[0].shape
    (6, (1, 28, 28))
    """
    if isinstance(model, Graph):
        if exact:
            raise ModelError(f"network {model.name!r} is a Graph already: open its file with exact")
        return model
    if isinstance(model, str) and model in models.BUILTIN:
        return dataclasses.replace(load(models.BUILTIN[model].network, exact=exact), name=model)
    if is_seeded(model):
        return seeded.build(models.NETWORKS[model].build(), seeded.SEED)
    if not isinstance(model, (str, os.PathLike)):
        raise ModelError(f"network must be a name, a path or a Graph, not {shown(model)}")
    if pathlib.Path(model).suffix.lower() not in FORMATS:
        names = ", ".join({**models.BUILTIN, **models.NETWORKS})
        raise ModelError(
            f"network must be a built-in one ({names}) or a file ending in "
            f"{' or '.join(FORMATS)}, not {os.fspath(model)!r}"
        )
    return load(model, exact=exact)


def is_seeded(model: Model) -> bool:
    """Whether it is a built-in network with random weights instead of trained ones."""
    known = isinstance(model, str) and model not in models.BUILTIN
    return known and model in models.NETWORKS


def origin(model: Model) -> dict[str, str]:
    """What a report says of a network's weights, where they are none that anybody trained."""
    return {"weights": f"seeded random weights, seed {seeded.SEED}"} if is_seeded(model) else {}


def file_hash(model: Model) -> str | None:
    """The SHA-256 of a network's file, for reports; None where it comes from no file."""
    if isinstance(model, Graph) or is_seeded(model):
        return None
    path = models.BUILTIN[model].network if model in models.BUILTIN else model
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_images(
    model: Model, graph: Graph, count: int
) -> tuple[np.ndarray, np.ndarray | None, dict[str, str]]:
    """Images that a built-in network brings along, or ``count`` random ones.

    Returns:
        The images; labels, where known; what a report says of them.

    Raises:
        InputError: the network has none.
    """
    if is_seeded(model):
        note = {"inputs": f"seeded random images, seed {seeded.SEED}"}
        return seeded.images(graph, count, seeded.SEED), None, note
    if not isinstance(model, str) or model not in models.BUILTIN:
        raise InputError(
            f"network {graph.name!r} has no inputs of its own: give some with --input F.npz "
            "(in Python: inputs)"
        )
    with np.load(models.BUILTIN[model].inputs) as file:
        return file["images"], file["labels"] if "labels" in file.files else None, {}
