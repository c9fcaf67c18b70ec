"""What the compiler hands to a simulator: commands, constants and where everything lies."""

import dataclasses

import numpy as np

from accel.params import Params


@dataclasses.dataclass(frozen=True)
class Placement:
    """A batch of one tensor in memory: ``batch`` images of ``shape`` (H, W, C) from ``address``."""

    name: str
    address: int
    shape: tuple[int, int, int]
    batch: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        height, width, channels = self.shape
        return self.batch * height * width * channels


@dataclasses.dataclass(frozen=True)
class Layer:
    """One machine layer: a graph node, or several fused, that ends in a tensor in memory.

    ``macs`` counts the multiplications of the network's own definition, for the whole batch;
    ``bytes_read`` and ``bytes_written`` are the bus traffic of this layer's commands, without
    command fetch.  ``mark_addr`` is where its completion record is written.
    """

    name: str
    op: str
    nodes: tuple[str, ...]
    output: str
    macs: int
    bytes_read: int
    bytes_written: int
    mark_addr: int


@dataclasses.dataclass(frozen=True)
class Program:
    """Everything a run needs except the input images.

    ``image`` is the initial memory (uint8, from address 0: commands, weights, zeroes for the
    rest) of ``memory_bytes``; commands start at ``start`` and are ``commands`` in number.
    """

    params: Params
    batch: int
    image: np.ndarray
    memory_bytes: int
    start: int
    commands: int
    tensors: dict[str, Placement]
    layers: tuple[Layer, ...]
