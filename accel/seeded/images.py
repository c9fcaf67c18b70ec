"""Inputs for a network that has none of its own."""

import numpy as np

from accel.graph.ir import Graph


def images(graph: Graph, count: int, seed: int) -> np.ndarray:
    """``count`` random images in the layout and dtype of a float32 network's only input."""
    (port,) = graph.inputs
    random = np.random.default_rng(seed)
    return random.standard_normal((count, *port.shape), np.float32)
