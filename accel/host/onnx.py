"""Parts of ONNX networks, in exact sessions of ONNX Runtime."""

import functools

import numpy as np

from accel import onnx_session

#: Sessions kept open: the parts of a network or two.
_OPEN = 64


@functools.lru_cache(_OPEN)
def _session(model: bytes):
    return onnx_session.session(model)


def run(model: bytes, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Run a model on one image; return its outputs in its own order."""
    return _session(model).run(None, inputs)
