"""What the handlers of TFLite operators share: checked views of tensors, the graph being built."""

import collections
import dataclasses
import math

import numpy as np

from accel.frontend.errors import CostError, ModelError
from accel.frontend.tflite.file import ACTIVATIONS, PADDINGS, Contents, Operator, Record
from accel.frontend.tflite.scales import activation_range
from accel.frontend.tflite.values import Dequantised, Elsewhere, Value
from accel.graph.ir import Node, Port, Tensor

#: Largest activation, in elements of one image; largest dimension, kernel, stride or padding.
LARGEST, LIMIT = 1 << 28, 1 << 16
#: What operators may cost together: elements to look at, for each byte of the file and in any case.
COST_PER_BYTE, FREE_COST = 4, 1 << 20
#: What a factor, an input and a table of 256 bytes cost, in elements.
FACTOR_COST, INPUT_COST, TABLE_COST = 16, 16, 2048
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
        for operator in contents.operators:
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


class View:
    """One operator with what its handler needs: checked tensors, options, and errors naming it."""

    def __init__(self, builder: Builder, operator: Operator):
        self.builder, self.operator, self.op = builder, operator, operator.op
        self.name = f"op{operator.index:02}_{operator.op}"
        self.options = operator.options

    def error(self, text: str) -> ModelError:
        """Return an error about this operator, to be raised by the caller."""
        return ModelError(f"{self.builder.file}: {self._title}: {text}")

    def reason(self, error: ModelError) -> str:
        """Return what is wrong without file and operator, which a report names anyway."""
        text = str(error).removeprefix(f"{self.builder.file}: ")
        return text.removeprefix(f"{self._title}: ")

    @property
    def _title(self) -> str:
        return f"operator {self.operator.index} ({self.op})"

    def require(self, condition, rule: str, value) -> None:
        """Raise the operator's error unless ``condition`` holds."""
        if not condition:
            raise self.error(f"{rule}, not {value}")

    def spend(self, cost: int) -> None:
        """Refuse files in which many operators share large tensors, to exhaust their reader."""
        limit = COST_PER_BYTE * self.builder.contents.size + FREE_COST
        self.builder.cost += cost
        if self.builder.cost > limit:
            raise CostError(str(self.error(
                f"operators must not cost more than {limit} elements in a file of this size "
                f"(a tensor is shared by too many), not {self.builder.cost}")))

    def counts(self, least: int, most: int, outputs: int = 1) -> None:
        """Require from ``least`` to ``most`` inputs, and one output, or up to ``outputs``."""
        inputs, made = len(self.operator.inputs), len(self.operator.outputs)
        self.require(least <= inputs <= most, f"must have from {least} to {most} inputs", inputs)
        self.require(1 <= made <= outputs,
                     "must have one output" if outputs == 1 else "must have outputs", made)
        self.spend((inputs + made - 1) * INPUT_COST)

    def viewing(self, *order: int) -> "View":
        """The operator with these of its inputs only, in this order."""
        inputs = tuple(self.operator.inputs[at] for at in order)
        return View(self.builder, dataclasses.replace(self.operator, inputs=inputs))

    def record(self, at: int) -> Record:
        """Return input ``at`` as the file has it."""
        return self.builder.record(f"{self._title}: input {at}", self.operator.inputs[at])

    def title(self, at: int) -> str:
        """Return how messages name input ``at``."""
        return f"input {at}, {self.builder.title(self.operator.inputs[at])},"

    def value(self, at: int = 0) -> Value:
        """Return what input ``at`` stands for."""
        record = self.record(at)
        self.require(record.data is None, f"{self.title(at)} must be computed", "constant")
        found = self.builder.values.get(record.index)
        self.require(found is not None, f"{self.title(at)} must be computed before",
                     "later or never")
        return found

    def source(self, at: int = 0) -> Tensor:
        """Return input ``at``, an int8 image."""
        found = self.value(at)
        self.require(not isinstance(found, Dequantised),
                     f"{self.title(at)} must be int8 or uint8 (quantise the model first)", "float")
        self.require(not isinstance(found, Elsewhere), f"{self.title(at)} must be int8 or uint8",
                     f"{self.record(at).dtype} on the host")
        self.require(isinstance(found, Tensor), f"{self.title(at)} must be an image",
                     type(found).__name__.lower())
        return found

    def scale(self, at: int = 0) -> np.float32:
        """Return the scale of input ``at`` as the file has it."""
        return self.builder.per_tensor(self.record(at).index)[0]

    @property
    def result(self) -> Record:
        """The output as the file has it, which must be new."""
        return self.made(0)

    def made(self, number: int) -> Record:
        """Return an output as the file has it, which must be new."""
        index = self.operator.outputs[number]
        record = self.builder.record(f"{self._title}: output", index)
        self.require(index not in self.builder.values and record.data is None,
                     f"output {self.builder.title(index)} must be computed once, by an operator",
                     "twice or constant")
        return record

    def target(self, number: int = 0) -> Tensor:
        """Make an output; its type must be the first input's."""
        record = self.made(number)
        given = self.record(0).dtype
        self.require(record.dtype == given, f"output must be {given} as its input", record.dtype)
        tensor = self.builder.activation(record.index)
        self.builder.values[record.index] = tensor
        return tensor

    def add(self, node: Node) -> None:
        """Append a node."""
        self.builder.nodes.append(node)

    def clamp(self) -> tuple[int, int]:
        """Bounds of the re-centred int8 output by the fused activation."""
        number = self.options["FusedActivationFunction"]
        known = {key: name for key, name in ACTIVATIONS.items() if "RELU" in name or name == "NONE"}
        self.require(number in known, f"fused activation must be one of {sorted(known.values())}",
                     ACTIVATIONS.get(number, number))
        record = self.builder.record("", self.operator.outputs[0])
        scale, zero_point = self.builder.per_tensor(record.index)
        bounds = activation_range(known[number], scale, zero_point, *RANGES[record.dtype])
        return tuple(bound - CENTRES[record.dtype] for bound in bounds)

    def size(self, option: str) -> int:
        """Return an option that is a kernel size, stride or dilation."""
        value = self.options[option]
        self.require(1 <= value <= LIMIT, f"{option} must be from 1 to {LIMIT}", value)
        return value

    def padding(self, shape, kernel, stride, dilation=(1, 1)) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) of the padding SAME or VALID."""
        mode = PADDINGS.get(self.options["Padding"])
        self.require(mode is not None, f"Padding must be one of {sorted(PADDINGS)}",
                     self.options["Padding"])
        before, after = [], []
        for axis in (0, 1):
            reach = (kernel[axis] - 1) * dilation[axis] + 1
            outputs = -(-shape[axis] // stride[axis])
            total = max((outputs - 1) * stride[axis] + reach - shape[axis], 0)
            total = total if mode == "SAME" else 0
            before.append(total // 2)
            after.append(total - total // 2)
        return (*before, *after)

    def constant(self, at: int, dtypes: tuple[str, ...]) -> np.ndarray:
        """Return constant input ``at`` in its shape, still in the file's bytes where it can be."""
        record, title = self.record(at), self.title(at)
        self.require(record.dtype in dtypes, f"{title} must be {' or '.join(dtypes)}", record.dtype)
        self.require(record.data is not None, f"{title} must be constant", "missing or computed")
        self.require(all(1 <= size <= LIMIT for size in record.shape),
                     f"{title} must have dimensions from 1 to {LIMIT}", list(record.shape))
        dtype = np.dtype(record.dtype)
        wanted = math.prod(record.shape) * dtype.itemsize
        self.require(record.data.size == wanted,
                     f"{title} of shape {list(record.shape)} must hold {wanted} bytes",
                     record.data.size)
        return record.data.view(dtype.newbyteorder("<")).reshape(record.shape)
