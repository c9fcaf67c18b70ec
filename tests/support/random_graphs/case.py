"""A random network, for tests."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """A random network.

    Attributes:
        format: "onnx" or "tflite", the file name's ending.
        content: the file.
        given: its inputs, in its order, by name.
        near: outputs that may be a step off, by name, with what made them.
        steps: what it consists of.
    """

    format: str
    content: bytes
    given: dict[str, np.ndarray]
    near: dict[str, str]
    steps: list[str]
