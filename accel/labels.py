"""Right and wrong answers: the labels of images, and how many of them a network gets right."""

import math

import numpy as np

from accel.graph.ir import Graph
from accel.graph.ports import InputError


def _says_yes_or_no(graph: Graph) -> bool:
    """Whether a network's answer is one float: as in accel.train, yes from one half on."""
    port = graph.outputs[0]
    return port.dtype == "float32" and math.prod(port.shape) == 1


def labels_of(graph: Graph, labels, count: int) -> np.ndarray:
    """The labels of ``count`` images as an array [count]; how many classes there are is unknown.

    Raises:
        InputError: wrong shape, number or type.
    """
    labels = np.asarray(labels)
    kinds, one = ("iuf", "number") if _says_yes_or_no(graph) else ("iu", "integer")
    rule = f"labels must be one {one} per image"
    if labels.shape != (count,):
        raise InputError(f"{rule}: shape ({count},), not {labels.shape}")
    if labels.dtype.kind not in kinds:
        raise InputError(f"{rule}, not {labels.dtype}")
    return labels


def accuracy(graph: Graph, scores: np.ndarray, labels: np.ndarray) -> dict[str, int]:
    """How many images have the right answer: the class of the highest score, or yes or no."""
    scores = scores.reshape(len(scores), -1)
    if _says_yes_or_no(graph):
        agree = (scores[:, 0] >= 0.5) == (labels >= 0.5)
    else:
        agree = scores.argmax(axis=1) == labels
    return {"correct": int(agree.sum()), "images": len(scores)}
