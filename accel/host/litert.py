"""Parts of TFLite networks, by LiteRT's reference kernels."""

import functools

import numpy as np

from accel import litert

#: Interpreters kept open: the parts of a network or two.
_OPEN = 64


@functools.lru_cache(_OPEN)
def _interpreter(model: bytes) -> litert.Interpreter:
    return litert.Interpreter(model)


def run(model: bytes, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Run a model on one image, its inputs in its own order; return its outputs likewise."""
    return _interpreter(model).run(list(inputs.values()))


def forget() -> None:
    """Close what is kept open."""
    _interpreter.cache_clear()
