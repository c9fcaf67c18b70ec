"""Writing small quantised TFLite models with the schema's own builder, for the importer's tests."""

import flatbuffers
import numpy as np
import tflite

#: By operator: the options table that goes with it, and what the tests rarely change.
_WINDOW = {"Padding": tflite.Padding.VALID, "StrideH": 1, "StrideW": 1,
           "FusedActivationFunction": 0}
OPTIONS = {
    "CONV_2D": ("Conv2DOptions", {**_WINDOW, "DilationHFactor": 1, "DilationWFactor": 1}),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        {**_WINDOW, "DilationHFactor": 1, "DilationWFactor": 1, "DepthMultiplier": 1},
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions",
                        {"FusedActivationFunction": 0, "WeightsFormat": 0, "KeepNumDims": False}),
    "ADD": ("AddOptions", {"FusedActivationFunction": 0}),
    "SUB": ("SubOptions", {"FusedActivationFunction": 0}),
    "MUL": ("MulOptions", {"FusedActivationFunction": 0}),
    "MAXIMUM": ("MaximumMinimumOptions", {}),
    "MINIMUM": ("MaximumMinimumOptions", {}),
    "AVERAGE_POOL_2D": ("Pool2DOptions", {**_WINDOW, "FilterHeight": 2, "FilterWidth": 2}),
    "MAX_POOL_2D": ("Pool2DOptions", {**_WINDOW, "FilterHeight": 2, "FilterWidth": 2}),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"),
                    ("ReducerOptions", {"KeepDims": False})),
    "CONCATENATION": ("ConcatenationOptions", {"Axis": -1, "FusedActivationFunction": 0}),
    "SOFTMAX": ("SoftmaxOptions", {"Beta": 1.0}),
    "HARD_SWISH": ("HardSwishOptions", {}),
    "QUANTIZE": ("QuantizeOptions", {}),
    "DEQUANTIZE": ("DequantizeOptions", {}),
    "PAD": ("PadOptions", {}),
    "SHAPE": ("ShapeOptions", {"OutType": tflite.TensorType.INT32}),
    "STRIDED_SLICE": ("StridedSliceOptions", {"ShrinkAxisMask": 1}),
    "PACK": ("PackOptions", {"ValuesCount": 2, "Axis": 0}),
    "UNPACK": ("UnpackOptions", {"Num": 2, "Axis": 1}),
    "SLICE": ("SliceOptions", {}),
    "SPLIT": ("SplitOptions", {"NumSplits": 2}),
    "SPLIT_V": ("SplitVOptions", {"NumSplits": 2}),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", {}),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", {"BlockSize": 2}),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", {"BlockSize": 2}),
    "TRANSPOSE_CONV": ("TransposeConvOptions", _WINDOW),
}  # fmt: skip


#: Operators that no runtime knows in their first version.
VERSIONS = {"BROADCAST_TO": 2}


class Model:
    """Collects tensors and operators; a tensor is known by its index."""

    def __init__(self):
        self.tensors, self.operators, self.inputs, self.outputs = [], [], [], []
        self.subgraphs, self.version, self.variables = 1, 3, set()
        self.buffers = [b""]

    def tensor(self, shape, dtype="int8", scale=None, zero=0, data=None, axis=0, name=None,
               signature=None) -> int:
        """Add a tensor; ``scale`` and ``zero`` may be lists, ``data`` makes it a constant."""
        number = 0
        if data is not None:
            number = len(self.buffers)
            self.buffers.append(np.ascontiguousarray(data, np.dtype(dtype)).tobytes())
        self.tensors.append({
            "shape": list(shape), "dtype": dtype, "scale": scale, "zero": zero, "axis": axis,
            "buffer": number, "name": name or f"t{len(self.tensors)}", "signature": signature,
        })  # fmt: skip
        return len(self.tensors) - 1

    def constant(self, data, dtype="int32") -> int:
        """Add a constant without a scale."""
        return self.tensor(np.shape(data), dtype, data=data)

    def input(self, shape, dtype="int8", scale=0.05, zero=3, **fields) -> int:
        """Add a network input."""
        self.inputs.append(self.tensor(shape, dtype, scale, zero, **fields))
        return self.inputs[-1]

    def op(self, op, inputs, shape, dtype="int8", scale=0.05, zero=3, **options) -> int:
        """Add an operator and its output, which is returned."""
        self.operators.append({"op": op, "inputs": list(inputs), "options": options,
                               "outputs": [self.tensor(shape, dtype, scale, zero)]})
        return self.operators[-1]["outputs"][0]

    def split(self, op, inputs, shapes, **fields) -> list[int]:
        """Add an operator with several outputs, which are returned."""
        first = self.op(op, inputs, shapes[0], **fields)
        options = self.operators[-1]["options"]
        same = {name: value for name, value in fields.items() if name not in options}
        outputs = self.operators[-1]["outputs"]
        outputs += [self.tensor(shape, **same) for shape in shapes[1:]]
        return outputs if first == outputs[0] else []

    def output(self, *indices) -> "Model":
        """Make tensors network outputs."""
        self.outputs.extend(indices)
        return self

    def content(self) -> bytes:
        """Return the file's bytes."""
        b = flatbuffers.Builder(1024)
        buffers = [_table(b, "Buffer", Data=_bytes(b, data)) if data else _table(b, "Buffer")
                   for data in self.buffers]
        ops = sorted({operator["op"] for operator in self.operators})
        codes = [_code(b, op) for op in ops]
        graph = _table(
            b, "SubGraph",
            Tensors=_offsets(b, [self._tensor(b, n) for n in range(len(self.tensors))]),
            Operators=_offsets(b, [_operator(b, each, ops) for each in self.operators]),
            Inputs=_ints(b, self.inputs), Outputs=_ints(b, self.outputs),
        )  # fmt: skip
        model = _table(b, "Model", Version=self.version, OperatorCodes=_offsets(b, codes),
                       Subgraphs=_offsets(b, [graph] * self.subgraphs),
                       Buffers=_offsets(b, buffers))
        b.Finish(model, b"TFL3")
        return bytes(b.Output())

    def save(self, folder, name="model.tflite"):
        """Write the file and return its path."""
        path = folder / name
        path.write_bytes(self.content())
        return path

    def _tensor(self, b, index):
        tensor = self.tensors[index]
        fields = {
            "Name": b.CreateString(tensor["name"]), "Shape": _ints(b, tensor["shape"]),
            "Type": getattr(tflite.TensorType, tensor["dtype"].upper()),
            "Buffer": tensor["buffer"],
        }  # fmt: skip
        if tensor["scale"] is not None:
            scales = np.atleast_1d(np.asarray(tensor["scale"], np.float32))
            zeros = np.atleast_1d(np.asarray(tensor["zero"], np.int64))
            zeros = np.broadcast_to(zeros, scales.shape) if zeros.size == 1 else zeros
            fields["Quantization"] = _table(
                b, "QuantizationParameters", Scale=b.CreateNumpyVector(scales),
                ZeroPoint=b.CreateNumpyVector(np.ascontiguousarray(zeros)),
                QuantizedDimension=tensor["axis"],
            )  # fmt: skip
        if tensor["signature"] is not None:
            fields["ShapeSignature"] = _ints(b, tensor["signature"])
        if index in self.variables:
            fields["IsVariable"] = True
        return _table(b, "Tensor", **fields)


def _options_of(op):
    """The table of an operator that nothing else is known of, by the schema's own names."""
    plain = op.replace("_", "").lower()
    return next(name for name in vars(tflite)
                if name.lower() == f"{plain}options" and isinstance(getattr(tflite, name), type))


def _table(b, kind, **fields):
    getattr(tflite, f"{kind}Start")(b)
    for name, value in fields.items():
        getattr(tflite, f"{kind}Add{name}")(b, value)
    return getattr(tflite, f"{kind}End")(b)


def _ints(b, values):
    return b.CreateNumpyVector(np.asarray(values, np.int32))


def _bytes(b, data):
    return b.CreateNumpyVector(np.frombuffer(data, np.uint8))


def _offsets(b, tables):
    b.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        b.PrependUOffsetTRelative(table)
    return b.EndVector()


def _code(b, op):
    code = getattr(tflite.BuiltinOperator, op, None)
    if code is None:
        return _table(b, "OperatorCode", CustomCode=b.CreateString(op),
                      DeprecatedBuiltinCode=tflite.BuiltinOperator.CUSTOM,
                      BuiltinCode=tflite.BuiltinOperator.CUSTOM)
    return _table(b, "OperatorCode", DeprecatedBuiltinCode=min(code, 127),
                  Version=VERSIONS.get(op, 1),
                  BuiltinCode=code)


def _operator(b, operator, ops):
    fields = {
        "OpcodeIndex": ops.index(operator["op"]), "Inputs": _ints(b, operator["inputs"]),
        "Outputs": _ints(b, operator["outputs"]),
    }  # fmt: skip
    options_of = operator.get("options_of", operator["op"])
    kind, defaults = OPTIONS.get(options_of, (None, {}))
    if operator["options"] and kind is None:
        kind = _options_of(options_of)
    if kind:
        given = {name: b.CreateNumpyVector(value) if isinstance(value, np.ndarray) else value
                 for name, value in {**defaults, **operator["options"]}.items()}
        fields["BuiltinOptions"] = _table(b, kind, **given)
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, kind)
    return _table(b, "Operator", **fields)
