"""How a handler sees its operator: checked tensors and options, and errors that name it."""

import dataclasses
import math

import numpy as np

from accel.errors import shortened
from accel.frontend.errors import CostError, ModelError
from accel.frontend.tflite.build import (
    CENTRES,
    COST_PER_BYTE,
    FREE_COST,
    INPUT_COST,
    LIMIT,
    RANGES,
    Builder,
)
from accel.frontend.tflite.file import ACTIVATIONS, PADDINGS
from accel.frontend.tflite.records import Operator, Record
from accel.frontend.tflite.scales import activation_range
from accel.frontend.tflite.values import Dequantised, Elsewhere, Value
from accel.graph.ir import Node, Tensor


class _Options(dict):
    """An operator's options; a file that leaves a needed one out is refused."""

    view: "View"

    def __missing__(self, name: str):
        raise self.view.error(f"options must have {name}, not {sorted(self) or 'none'}")


class View:
    """One operator with what its handler needs: checked tensors, options, and errors naming it."""

    def __init__(self, builder: Builder, operator: Operator):
        self.builder, self.operator, self.op = builder, operator, operator.op
        self.name = f"op{operator.index:02}_{operator.op}"
        self.options = _Options(operator.options)
        self.options.view = self

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
            raise self.error(f"{rule}, not {shortened(format(value))}")

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
        some = f"from {least} to {most}" if least < most else least
        self.require(least <= inputs <= most, f"must have {some} input{'s' * (most > 1)}", inputs)
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
    def dtype(self) -> str:
        """The type of the first input."""
        return self.record(0).dtype

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

    def other(self) -> Tensor:
        """Make the output, of another type than the input."""
        record = self.result
        tensor = self.builder.activation(record.index)
        self.builder.values[record.index] = tensor
        return tensor

    def same(self, source: Tensor, target: Tensor) -> None:
        """Require that bytes mean the same on both sides."""
        centre = CENTRES[self.builder.record("", self.operator.outputs[0]).dtype]
        wanted, given = ((one.scale, one.zero_point + centre) for one in (source, target))
        self.require(given == wanted, f"output must have the input's scale and zero point {wanted}",
                     given)

    def shaped(self, sizes) -> None:
        """Require that the output has these dimensions, but for those of one element."""
        wanted, given = ([size for size in shape if size > 1] for shape in (
            sizes, self.builder.record("", self.operator.outputs[0]).shape))
        self.require(given == wanted, f"output must have dimensions of {wanted}", given)

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
