"""A float .tflite file to one in a plain form, computing the same: what a quantiser wants.

Weights that the file keeps as float16, or as integers with scales, for float operators to read,
become float32; tensors get names of their own; the model gets a signature.
"""

import dataclasses

import numpy as np

from accel.frontend.errors import ModelError
from accel.frontend.tflite.build import unique_names
from accel.frontend.tflite.file import NUMBERS, read
from accel.frontend.tflite.records import Contents, Operator, Record
from accel.frontend.tflite.writing import write

#: Operators whose constant integers stand for real numbers where the output is float.
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D",
             "BATCH_MATMUL", "EMBEDDING_LOOKUP")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A float model: its tensors by index, each with a name of its own, and its operators."""

    file: str
    records: dict[int, Record]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def content(self, outputs: tuple[int, ...] | None = None) -> bytes:
        """The file's bytes, with other outputs if need be."""
        return write(self.records, self.operators, self.inputs, outputs or self.outputs)

    @property
    def names(self) -> dict[str, int]:
        """Tensors that are given or computed, by their names."""
        made = [index for one in self.operators for index in one.outputs]
        return {self.records[index].name: index for index in (*self.inputs, *made)}


def prepare(path) -> Prepared:
    """Read and prepare a float model.

    Raises:
        ModelError: naming the file, the tensor and the rule.
    """
    contents = read(str(path))
    _check(contents)
    names = unique_names(contents)
    records = {record.index: dataclasses.replace(record, name=names[record.index])
               for record in contents.tensors}
    operators = []
    for operator in contents.operators:
        source = records[operator.inputs[0]] if operator.inputs else None
        if operator.op == "DEQUANTIZE" and source.data is not None:
            target = operator.outputs[0]
            records[target] = dataclasses.replace(
                records[target], data=_real(contents.file, source), quantisation=None)
            continue
        if operator.op in _WEIGHTED and records[operator.outputs[0]].dtype == "float32":
            for index in operator.inputs:
                record = records.get(index)
                if record and record.data is not None and record.dtype in ("int8", "uint8"):
                    records[index] = dataclasses.replace(
                        record, data=_real(contents.file, record), dtype="float32",
                        quantisation=None)
        operators.append(operator)
    return Prepared(contents.file, records, tuple(operators), contents.inputs, contents.outputs)


def _check(contents: Contents) -> None:
    """Require operators that refer to tensors, and inputs of one float image."""
    count = len(contents.tensors)
    for operator in contents.operators:
        for index in (*operator.inputs, *operator.outputs):
            if not -1 <= index < count or not operator.outputs:
                raise ModelError(f"{contents.file}: operator {operator.index} ({operator.op}): "
                                 f"must refer to one of the {count} tensors, not {index}")
            dtype = contents.tensors[index].dtype if index != -1 else "float32"
            if dtype not in NUMBERS:
                raise ModelError(f"{contents.file}: tensor {index}: must hold numbers, not {dtype}")
    for index in (*contents.inputs, *contents.outputs):
        if not 0 <= index < count:
            raise ModelError(f"{contents.file}: the subgraph must refer to one of the {count} "
                             f"tensors, not {index}")
    for index in contents.inputs:
        record = contents.tensors[index]
        known = record.shape[:1] == (1,) and min(record.signature[1:], default=1) > 0
        if record.dtype != "float32" or not known:
            raise ModelError(
                f"{contents.file}: input tensor {index} ({record.name!r}): must be float32 of a "
                f"static shape with a batch of 1, to be calibrated with images, not "
                f"{record.dtype} {list(record.signature or record.shape)}"
            )


def _real(file: str, record: Record) -> np.ndarray:
    """The float32 values of a constant, as bytes."""
    values = record.data.view(np.dtype(record.dtype).newbyteorder("<"))
    if values.size != np.prod(record.shape, dtype=np.int64):
        raise ModelError(f"{file}: tensor {record.index} ({record.name!r}): must hold "
                         f"{list(record.shape)} elements, not {values.size}")
    values = values.reshape(record.shape).astype(np.float32)
    found = record.quantisation
    if found is not None:
        along = [1] * values.ndim
        if len(found.scale) > 1:
            fits = 0 <= found.axis < values.ndim and values.shape[found.axis] == len(found.scale)
            if not fits or len(found.zero_point) != len(found.scale):
                raise ModelError(
                    f"{file}: tensor {record.index} ({record.name!r}): must have as many scales "
                    f"and zero points as elements along dimension {found.axis}, not "
                    f"{len(found.scale)} and {len(found.zero_point)}"
                )
            along[found.axis] = len(found.scale)
        values = (values - found.zero_point.reshape(along)) * found.scale.reshape(along)
    return np.ascontiguousarray(values, "<f4").view(np.uint8).ravel()
