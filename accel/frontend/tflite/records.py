"""What a .tflite file holds, as plain records."""

import dataclasses

import numpy as np

from accel.frontend.tflite.options import Options


@dataclasses.dataclass(frozen=True)
class Quantisation:
    """Scales (float32) and zero points (int64) along ``axis``; one of each if per tensor."""

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int


@dataclasses.dataclass(frozen=True)
class Record:
    """A tensor as the file has it; ``data`` (uint8) is None for what is computed."""

    index: int
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None
    data: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Operator:
    """An operator as the file has it; tensors by index, options by the schema's names.

    ``code`` and ``version`` say which operator it is; ``kind`` and ``custom`` are name and options
    of one that is no builtin.
    """

    index: int
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    table: Options
    code: int
    version: int
    kind: str = ""
    custom: bytes = b""

    @property
    def options(self) -> dict[str, int | float | bool]:
        """The fields of its options."""
        return self.table.fields


@dataclasses.dataclass(frozen=True)
class Contents:
    """The one subgraph of a file; ``size`` is the file's in bytes."""

    file: str
    size: int
    tensors: tuple[Record, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
