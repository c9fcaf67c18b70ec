"""Writing parts of a .tflite file as files of their own."""

from collections.abc import Mapping, Sequence

import flatbuffers
import numpy as np
import tflite

from accel.frontend.tflite import options
from accel.frontend.tflite.options import table
from accel.frontend.tflite.records import Operator, Record

#: How data lies in a file, for LiteRT to read it in place.
_ALIGNED = 16
#: The largest operator that the schema's first field for it holds.
_FIRST_CODES = 127
_NUMBERS = {name.lower(): number for name, number in vars(tflite.TensorType).items()
            if isinstance(number, int)}


def write(records: Mapping[int, Record], operators: Sequence[Operator], inputs: Sequence[int],
          outputs: Sequence[int]) -> bytes:
    """A model of some of a file's operators.

    Args:
        records: the file's tensors by index, of all that the operators name.
        operators: in the order of execution.
        inputs, outputs: tensors by the file's indices, in the model's order.
    """
    used = dict.fromkeys(inputs)
    for one in operators:
        used |= dict.fromkeys((*one.inputs, *one.outputs))
    used.pop(-1, None)  # an input that is left out
    place = {index: at for at, index in enumerate(used)}
    stored = {index: 1 + at for at, index in enumerate(
        index for index in place if records[index].data is not None)}
    b = flatbuffers.Builder(1024)
    buffers = [table(b, "Buffer", {}),
               *(table(b, "Buffer", {"Data": _data(b, records[index])}) for index in stored)]
    tensors = [_tensor(b, records[index], stored.get(index, 0)) for index in place]
    codes = list(dict.fromkeys(map(_code_of, operators)))
    graph = table(b, "SubGraph", {
        "Tensors": _tables(b, tensors),
        "Operators": _tables(b, [_operator(b, one, codes.index(_code_of(one)), place)
                                 for one in operators]),
        "Inputs": _ints(b, [place[index] for index in inputs]),
        "Outputs": _ints(b, [place[index] for index in outputs]),
    })  # fmt: skip
    signature = table(b, "SignatureDef", {
        "Inputs": _named(b, "in", inputs, place), "Outputs": _named(b, "out", outputs, place),
        "SignatureKey": b.CreateString("serving_default"),
    })  # fmt: skip
    model = table(b, "Model", {
        "Version": 3, "OperatorCodes": _tables(b, [_code(b, *one) for one in codes]),
        "Subgraphs": _tables(b, [graph]), "Buffers": _tables(b, buffers),
        "SignatureDefs": _tables(b, [signature]),
    })  # fmt: skip
    b.Finish(model, b"TFL3")
    return bytes(b.Output())


def _ints(b, values) -> int:
    return b.CreateNumpyVector(np.asarray(values, np.int32))


def _tables(b, made: list[int]) -> int:
    b.StartVector(4, len(made), 4)
    for one in reversed(made):
        b.PrependUOffsetTRelative(one)
    return b.EndVector()


def _named(b, name: str, indices: Sequence[int], place: Mapping[int, int]) -> int:
    """A signature's names of a model's inputs or outputs: in0, in1, .. by their order."""
    return _tables(b, [
        table(b, "TensorMap", {"Name": b.CreateString(f"{name}{at}"), "TensorIndex": place[index]})
        for at, index in enumerate(indices)
    ])


def _data(b, record: Record) -> int:
    data = record.data.tobytes()
    b.Prep(_ALIGNED, len(data))
    return b.CreateByteVector(data)


def _tensor(b, record: Record, buffer: int) -> int:
    fields = {"Name": b.CreateString(record.name), "Shape": _ints(b, record.shape),
              "Type": _NUMBERS[record.dtype], "Buffer": buffer, "HasRank": True}  # fmt: skip
    found = record.quantisation
    if found is not None:
        fields["Quantization"] = table(b, "QuantizationParameters", {
            "Scale": b.CreateNumpyVector(np.ascontiguousarray(found.scale)),
            "ZeroPoint": b.CreateNumpyVector(np.ascontiguousarray(found.zero_point)),
            "QuantizedDimension": found.axis,
        })  # fmt: skip
    return table(b, "Tensor", fields)


def _code_of(operator: Operator) -> tuple[int, int, str]:
    return operator.code, operator.version, operator.kind


def _code(b, code: int, version: int, kind: str) -> int:
    custom = {"CustomCode": b.CreateString(kind)} if kind else {}
    return table(b, "OperatorCode", {"DeprecatedBuiltinCode": min(code, _FIRST_CODES),
                                     "BuiltinCode": code, "Version": version, **custom})


def _operator(b, operator: Operator, code: int, place: Mapping[int, int]) -> int:
    fields = {
        "Inputs": _ints(b, [place.get(index, -1) for index in operator.inputs]),
        "Outputs": _ints(b, [place.get(index, -1) for index in operator.outputs]),
        **options.write(b, operator.table),
    }  # fmt: skip
    if operator.custom:
        fields["CustomOptions"] = b.CreateByteVector(operator.custom)
    return table(b, "Operator", {"OpcodeIndex": code, **fields})
