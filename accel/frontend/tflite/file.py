"""Reading a .tflite file: the flatbuffer's tables as plain records, every offset distrusted.

The schema package's accessors follow whatever offsets a file holds and verify none.  This is the
only module that calls them, so what they raise on a damaged file becomes a ModelError in one
place, and vectors are counted before they are walked.  Nothing here knows what an operator means.
"""

import contextlib
import os
import struct

import numpy as np
import tflite
from flatbuffers.number_types import Int32Flags

from accel.frontend.errors import ModelError
from accel.frontend.tflite import options
from accel.frontend.tflite.options import Options
from accel.frontend.tflite.records import Contents, Operator, Quantisation, Record

#: Where a table of an operator's code has its field ``builtin_code``.
_BUILTIN_SLOT = 10
#: What the accessors raise where an offset or a length leads out of the file.
_DAMAGE = (struct.error, IndexError, TypeError, ValueError, OverflowError)
#: Far beyond any real network; keeps files whose vectors repeat one table cheap.
MAX_OPERATORS, MAX_TENSORS, MAX_ARGUMENTS = 2048, 8192, 256
#: A converter joins the names of all that it fuses: real files have more than 700 bytes of them.
MAX_RANK, MAX_NAME = 8, 4096
MAX_BYTES = 1 << 28


def _names(enumeration) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


TYPES = {value: name.lower() for value, name in _names(tflite.TensorType).items()}
#: Types of numbers.
NUMBERS = frozenset(TYPES.values()) - {"string", "resource", "variant"}
_OPERATORS = _names(tflite.BuiltinOperator)
PADDINGS = _names(tflite.Padding)
ACTIVATIONS = _names(tflite.ActivationFunctionType)

#: The options table that an operator must have.
_OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions", "TRANSPOSE_CONV": "TransposeConvOptions",
    "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "SOFTMAX": "SoftmaxOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions", "MAX_POOL_2D": "Pool2DOptions", "MEAN": "ReducerOptions",
    "CONCATENATION": "ConcatenationOptions", "SPLIT": "SplitOptions",
    "STRIDED_SLICE": "StridedSliceOptions", "PACK": "PackOptions", "UNPACK": "UnpackOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions", "SPACE_TO_DEPTH": "SpaceToDepthOptions",
}  # fmt: skip


def read(file: str) -> Contents:
    """Read a .tflite file.

    Raises:
        ModelError: naming the file, what is wrong in it, the rule and the value.
    """
    return parse(file, _read_bytes(file))


def parse(file: str, buffer: bytes) -> Contents:
    """Read the bytes of a .tflite file, which messages call ``file``.

    Raises:
        ModelError: naming the file, what is wrong in it, the rule and the value.
    """
    reader = _Reader(file, len(buffer))
    if buffer[4:8] != b"TFL3":
        raise ModelError(
            f"{file}: truncated or not a TFLite file: bytes 4 to 7 must be b'TFL3', "
            f"not {buffer[4:8]!r}"
        )
    with reader.at("model"):
        model = tflite.Model.GetRootAs(buffer, 0)
        version = model.Version()
    if version != 3:
        raise ModelError(f"{file}: schema version must be 3, not {version}")
    return reader.contents(model)


def _read_bytes(file: str) -> bytes:
    try:
        size = os.stat(file).st_size
        if size > MAX_BYTES:
            raise ModelError(f"{file}: must have at most {MAX_BYTES} bytes, not {size}")
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from None


class _Reader:
    """Walks the tables of one file."""

    def __init__(self, file: str, size: int):
        self.file, self.size = file, size

    @contextlib.contextmanager
    def at(self, where: str):
        """Turn what accessors raise on damaged offsets into an error about ``where``."""
        try:
            yield
        except _DAMAGE as error:
            raise ModelError(
                f"{self.file}: truncated or damaged: {where}: offsets and lengths must stay "
                f"within the file ({type(error).__name__}: {error})"
            ) from None

    def limit(self, count: int, most: int, what: str) -> int:
        """Return ``count`` if it is at most ``most``."""
        if count > most:
            raise ModelError(f"{self.file}: {what} must be at most {most}, not {count}")
        return count

    def contents(self, model) -> Contents:
        """Read everything behind the root table."""
        with self.at("model"):
            graphs, buffers = model.SubgraphsLength(), model.BuffersLength()
            if graphs == 1:
                graph = model.Subgraphs(0)
                tensors, operators = graph.TensorsLength(), graph.OperatorsLength()
        if graphs != 1:
            raise ModelError(f"{self.file}: must have one subgraph, not {graphs}")
        self.limit(tensors, MAX_TENSORS, "the number of tensors")
        self.limit(operators, MAX_OPERATORS, "the number of operators")
        return Contents(
            self.file, self.size,
            tuple(self.tensor(model, graph, n, buffers) for n in range(tensors)),
            tuple(self.operator(model, graph, n) for n in range(operators)),
            *self.arguments(graph, "the subgraph"),
        )

    def arguments(self, table, where: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Read the inputs and outputs of an operator or the subgraph: tensors by index."""
        with self.at(where):
            counts = table.InputsLength(), table.OutputsLength()
        self.limit(max(counts), MAX_ARGUMENTS, f"{where}: the number of inputs or outputs")
        with self.at(where):
            return _ints(table.InputsAsNumpy()), _ints(table.OutputsAsNumpy())

    def tensor(self, model, graph, index: int, buffers: int) -> Record:
        """Read tensor ``index``."""
        where = f"tensor {index}"
        with self.at(where):
            tensor = graph.Tensors(index)
            raw = tensor.Name() or b""
            ranks = tensor.ShapeLength(), tensor.ShapeSignatureLength()
            kind, number = tensor.Type(), tensor.Buffer()
            variable, sparse = tensor.IsVariable(), tensor.Sparsity() is not None
        self.limit(max(ranks), MAX_RANK, f"{where}: the number of dimensions")
        self.limit(len(raw), MAX_NAME, f"{where}: the bytes of its name")
        with self.at(where):
            name = raw.decode("utf-8")
            shape, signature = _ints(tensor.ShapeAsNumpy()), _ints(tensor.ShapeSignatureAsNumpy())
            table = tensor.Quantization()
            quantisation = _quantisation(table)
            custom = table is not None and table.DetailsType() != 0
        where = f"{self.file}: tensor {index} ({name!r})"
        for refused, what in (
            (variable, "a variable"), (sparse, "sparse"), (custom, "of a custom quantisation"),
        ):
            if refused:
                raise ModelError(f"{where}: must be an ordinary tensor, not {what}")
        if number >= max(buffers, 1):
            raise ModelError(f"{where}: buffer must be one of the file's {buffers}, not {number}")
        data = self.data(model, where, number) if number else None
        return Record(index, name, shape, signature, TYPES.get(kind, f"type {kind}"),
                      quantisation, data)

    def data(self, model, where: str, number: int) -> np.ndarray | None:
        """Bytes of a buffer, or None if it is empty."""
        with self.at(f"buffer {number}"):
            buffer = model.Buffers(number)
            outside = buffer.Offset()
            data = None if buffer.DataIsNone() else buffer.DataAsNumpy()
        if outside > 1:  # 0 is the schema's default, 1 a placeholder of some writers
            raise ModelError(f"{where}: data must lie in a buffer, not at byte {outside} behind")
        return data if data is not None and data.size else None

    def operator(self, model, graph, index: int) -> Operator:
        """Read operator ``index``."""
        with self.at(f"operator {index}"):
            operator = graph.Operators(index)
            number, codes = operator.OpcodeIndex(), model.OperatorCodesLength()
        if number >= codes:
            raise ModelError(f"{self.file}: operator {index}: operator code must be one of the "
                             f"file's {codes}, not {number}")
        with self.at(f"operator code {number}"):
            code = model.OperatorCodes(number)
            value = max(_builtin(code), code.DeprecatedBuiltinCode())
            custom, version = (code.CustomCode() or b"").decode("utf-8"), code.Version()
        self.limit(len(custom), MAX_NAME, f"operator code {number}: the letters of its name")
        op = _OPERATORS.get(value, f"number {value}")
        if op == "CUSTOM":
            op = f"CUSTOM {custom!r}"
        inputs, outputs = self.arguments(operator, f"operator {index} ({op})")
        return Operator(index, op, inputs, outputs, self.options(operator, index, op), value,
                        version, custom, self.custom(operator, index, op))

    def options(self, operator, index: int, op: str) -> Options:
        """Read the options of an operator, which must be its own kind's."""
        where = f"operator {index} ({op})"

        def limit(count: int, most: int, what: str) -> int:
            return self.limit(count, most, f"{where}: {what}")

        with self.at(where):
            found, given = options.read(operator, limit), operator.BuiltinOptionsType()
        expected = _OPTIONS.get(op, found.table)
        if found.table != expected:
            raise ModelError(f"{self.file}: {where}: options must be {expected} "
                             f"(number {options.NUMBERS[expected]}), not number {given}")
        return found

    def custom(self, operator, index: int, op: str) -> bytes:
        """Read the options of an operator that is no builtin."""
        where = f"operator {index} ({op})"
        with self.at(where):
            self.limit(operator.CustomOptionsLength(), self.size, f"{where}: its custom options")
            array, outside = operator.CustomOptionsAsNumpy(), operator.LargeCustomOptionsOffset()
        if outside > 1:
            raise ModelError(f"{self.file}: {where}: options must lie in the file's tables, not at "
                             f"byte {outside} behind")
        return array.tobytes() if isinstance(array, np.ndarray) else b""


def _builtin(code) -> int:
    """The newer of the two fields that name an operator; old files have only the other one.

    The package's accessor for it returns the other one's value if this one's is small.
    """
    place = code._tab.Offset(_BUILTIN_SLOT)
    return code._tab.Get(Int32Flags, place + code._tab.Pos) if place else 0


def _ints(array) -> tuple[int, ...]:
    """Return a vector; the accessors say 0 for a missing one."""
    return tuple(array.tolist()) if isinstance(array, np.ndarray) else ()


def _quantisation(table) -> Quantisation | None:
    if table is None or not table.ScaleLength():
        return None
    scale = np.asarray(table.ScaleAsNumpy(), np.float32)
    zeros = table.ZeroPointAsNumpy()
    if not isinstance(zeros, np.ndarray) or not zeros.size:
        zeros = np.zeros(len(scale), np.int64)
    return Quantisation(scale, np.asarray(zeros, np.int64), table.QuantizedDimension())
