"""What the handlers of TFLite operators share: checked views of tensors, the graph being built."""

import collections
import dataclasses
import math

import numpy as np

from accel.frontend.errors import ModelError
from accel.frontend.tflite.records import Contents, Operator, Record
from accel.frontend.tflite.values import Value
from accel.graph.ir import Node, Port, Tensor

#: Largest activation, in elements of one image; largest dimension, kernel, stride or padding.
LARGEST, LIMIT = 1 << 28, 1 << 16
#: What operators may cost together: elements to look at, for each byte of the file and in any case.
COST_PER_BYTE, FREE_COST = 4, 1 << 20
#: What a factor, an input and a table of 256 bytes cost, in elements.
FACTOR_COST, INPUT_COST, TABLE_COST = 16, 16, 2048
#: Most parts that an operator puts together.
MOST_PIECES = 1024
#: Zero points and bounds of the activation types, and what re-centring takes from them.
RANGES = {"int8": (-128, 127), "uint8": (0, 255)}
CENTRES = {"int8": 0, "uint8": 128}


class Builder:
    """The graph so far; ``values`` says what each computed tensor of the file (by index) is."""

    def __init__(self, contents: Contents):
        self.contents, self.file = contents, contents.file
        self.names = unique_names(contents)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.values: dict[int, Value] = {}
        self.ports: dict[int, list[Port]] = collections.defaultdict(list)
        self.users: dict[int, list[Operator]] = {}
        self.cost = 0
        self.maker: dict[int, Operator] = {}
        for operator in contents.operators:
            for index in operator.outputs:
                if index not in contents.inputs:  # as a bad file may have it
                    self.maker.setdefault(index, operator)
            for index in set(operator.inputs):
                self.users.setdefault(index, []).append(operator)

    def extra(self, name: str, like: Tensor, shape=None) -> Tensor:
        """Make a tensor that the file does not have, of the quantisation of another."""
        while name in self.tensors or name in self.names:
            name += "_"
        tensor = dataclasses.replace(like, name=name, shape=shape or like.shape)
        self.tensors[name] = tensor
        return tensor

    def mark(self) -> tuple[int, int]:
        """How far the graph is, to come back to."""
        return len(self.nodes), len(self.tensors)

    def restore(self, mark: tuple[int, int], operator: Operator) -> None:
        """Take back what the operator's handler did before it gave up."""
        nodes, tensors = mark
        del self.nodes[nodes:]
        for name in list(self.tensors)[tensors:]:
            del self.tensors[name]
        for index in operator.outputs:
            if self.maker.get(index) is operator:  # not what another one made
                self.values.pop(index, None)

    def title(self, index: int) -> str:
        """Return how messages name a tensor."""
        return f"tensor {index} ({self.names[index]!r})"

    def record(self, where: str, index: int) -> Record:
        """Return tensor ``index``; ``where`` names who refers to it."""
        count = len(self.contents.tensors)
        if not 0 <= index < count:
            raise ModelError(
                f"{self.file}: {where}: must refer to one of the {count} tensors, not {index}"
            )
        return self.contents.tensors[index]

    def shape(self, index: int) -> tuple[int, ...]:
        """Check the shape of a computed tensor: a batch of 1, then at most three dimensions."""
        record = self.contents.tensors[index]
        where, dims = f"{self.file}: {self.title(index)}", list(record.shape)
        if any(size < 0 for size in (*dims, *record.signature[1:])):
            raise ModelError(f"{where}: shape must be static behind the batch, not "
                             f"{list(record.signature or dims)}")
        if not 2 <= len(dims) <= 4 or dims[0] != 1 or record.signature[:1] not in ((), (1,), (-1,)):
            raise ModelError(f"{where}: shape must be a batch of 1 and one to three dimensions, "
                             f"not {list(record.signature or dims)}")
        self.check_dimensions(index)
        return record.shape[1:]

    def check_dimensions(self, index: int) -> None:
        """Check the size of a computed tensor."""
        dims = list(self.contents.tensors[index].shape)
        if not all(1 <= size <= LIMIT for size in dims) or math.prod(dims) > LARGEST:
            raise ModelError(f"{self.file}: {self.title(index)}: dimensions must be from 1 to "
                             f"{LIMIT} and have at most {LARGEST} elements, not {dims}")

    def activation(self, index: int) -> Tensor:
        """Make a computed tensor: re-centred to int8 if the file has it as uint8."""
        record = self.contents.tensors[index]
        where = f"{self.file}: {self.title(index)}"
        shape = self.shape(index)
        if record.dtype == "float32":
            raise ModelError(f"{where}: the model is float here; quantise it to int8 first, with "
                             "a TFLite converter's full integer quantisation")
        if record.dtype not in RANGES:
            raise ModelError(f"{where}: type must be int8 or uint8, not {record.dtype}")
        if record.data is not None:
            raise ModelError(f"{where}: must be computed, not constant")
        scale, zero_point = self.per_tensor(index)
        tensor = Tensor(self.names[index], (*(1,) * (3 - len(shape)), *shape), float(scale),
                        zero_point - CENTRES[record.dtype])
        self.tensors[tensor.name] = tensor
        return tensor

    def per_tensor(self, index: int) -> tuple[np.float32, int]:
        """Scale and zero point of a tensor that must have one of each."""
        scales, zeros = self.quantisation(index)
        if len(scales) != 1:
            raise ModelError(f"{self.file}: {self.title(index)}: must have one scale, "
                             f"not {len(scales)}")
        return scales[0], int(zeros[0])

    def quantisation(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Checked scales (float32) and zero points (int64) of a tensor, as many of each."""
        record = self.contents.tensors[index]
        where, found = f"{self.file}: {self.title(index)}", record.quantisation
        if found is None:
            raise ModelError(f"{where}: must have a quantisation scale, not none")
        bad = found.scale[~(np.isfinite(found.scale) & (found.scale > 0))]
        if bad.size:
            raise ModelError(f"{where}: scale must be positive and finite, not {bad[0]}")
        if found.zero_point.shape != found.scale.shape:
            raise ModelError(f"{where}: must have as many zero points as scales, "
                             f"{len(found.scale)}, not {len(found.zero_point)}")
        low, high = RANGES.get(record.dtype, (0, 0))
        bad = found.zero_point[(found.zero_point < low) | (found.zero_point > high)]
        if bad.size:
            raise ModelError(f"{where}: zero point of {record.dtype} must be from {low} to {high}, "
                             f"not {bad[0]}")
        return found.scale, found.zero_point


def unique_names(contents: Contents) -> list[str]:
    """A name for every tensor; the file's, made longer where it is missing or repeats."""
    taken, names = set(), []
    for record in contents.tensors:
        name = record.name or f"tensor{record.index}"
        while name in taken:
            name = f"{name}#{record.index}"
        taken.add(name)
        names.append(name)
    return names
