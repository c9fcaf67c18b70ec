"""Nodes whose bytes are those of their inputs, in other places or with others around them."""

import dataclasses

from accel.graph.tensors import OneInput, OneOutput


@dataclasses.dataclass(frozen=True)
class Concat(OneOutput):
    """Tensors of one height and width behind each other along the channels, bytes unchanged."""

    name: str
    inputs: tuple[str, ...]
    output: str
    op: str = "concat"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a tensor lies in another: its first pixel's row, column and channel, and the step.

    Pixel (y, x) lies at row start[0] + y * step[0] and column start[1] + x * step[1] there, in the
    channels from start[2] on.
    """

    start: tuple[int, int, int]
    step: tuple[int, int] = (1, 1)


@dataclasses.dataclass(frozen=True)
class Slice(OneInput):
    """The part of a tensor at ``place``, of ``shape``, bytes unchanged; moves nothing."""

    name: str
    input: str
    output: str
    place: Place
    shape: tuple[int, int, int]
    op: str = "slice"


@dataclasses.dataclass(frozen=True)
class Assemble(OneOutput):
    """Tensors put together, each at its place, bytes unchanged: every pixel is given just once.

    Concatenation along any axis, and interleaving: what fills every second row, say.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    places: tuple[Place, ...]
    op: str = "assemble"


@dataclasses.dataclass(frozen=True)
class Pad(OneInput):
    """``padding`` (top, left, bottom, right) rows and columns of the zero point around an image."""

    name: str
    input: str
    output: str
    padding: tuple[int, int, int, int]
    op: str = "pad"


@dataclasses.dataclass(frozen=True)
class Reshape(OneInput):
    """The same bytes in [height, width, channel] order under another shape; moves nothing."""

    name: str
    input: str
    output: str
    op: str = "reshape"
