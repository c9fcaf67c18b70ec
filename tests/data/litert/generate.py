"""Write cases.npz: what LiteRT's reference kernels answer for single int8 layers.

Needs ai-edge-litert (written with 2.3.0), which the project does not; run it in an environment of
its own: ``python tests/data/litert/generate.py``.
"""

import json
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}
ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU6": 3}


class Model:
    """A model of one operator."""

    def __init__(self, name, options):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = 2
        self.operator = schema.OperatorT()
        self.operator.inputs, self.operator.outputs = [], []
        self.operator.builtinOptions = options
        self.operator.builtinOptionsType = getattr(
            schema.BuiltinOptions, type(options).__name__.removesuffix("T")
        )
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.inputs, self.graph.outputs = [], [], []
        self.graph.operators = [self.operator]
        self.model = schema.ModelT()
        self.model.version, self.model.operatorCodes = 3, [code]
        self.model.subgraphs, self.model.buffers = [self.graph], [schema.BufferT()]

    def _tensor(self, shape, dtype, quantisation=None, data=None):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), TYPES[dtype], 0
        tensor.name = str(len(self.graph.tensors)).encode()
        if quantisation:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array(quantisation[:1], np.float32)
            tensor.quantization.zeroPoint = np.array(quantisation[1:], np.int64)
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, values, quantisation):
        """Add an int8 input."""
        self.operator.inputs.append(self._tensor(values.shape, "int8", quantisation))
        self.graph.inputs.append(self.operator.inputs[-1])

    def constant(self, values):
        """Add an int32 constant."""
        self.operator.inputs.append(self._tensor(values.shape, "int32", data=values))

    def run(self, arrays, shape, quantisation):
        """Return the int8 output."""
        output = self._tensor(shape, "int8", quantisation)
        self.operator.outputs, self.graph.outputs = [output], [output]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        interpreter = Interpreter(
            model_content=bytes(builder.Output()), num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
        for detail, values in zip(interpreter.get_input_details(), arrays, strict=True):
            interpreter.set_tensor(detail["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _quantisation(random, low=-6.0, high=1.0):
    return float(np.float32(2.0 ** random.uniform(low, high))), int(random.integers(-128, 128))


def _bytes(random, shape, spread=256):
    """Bytes within ``spread`` of a random one: narrow ones make a softmax with many winners."""
    middle = random.integers(-128, 128)
    return (middle + random.integers(-spread, spread + 1, shape)).clip(-128, 127).astype(np.int8)


def softmax(random, number):
    """Few and many channels, flat and steep."""
    x = _bytes(random, (4, int(random.integers(1, 40)) if number else 400), (256, 4)[number % 2])
    scale, zero = _quantisation(random, -8.0)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0 if number % 3 else float(np.float32(random.uniform(0.1, 4)))
    model = Model("SOFTMAX", options)
    model.input(x, (scale, zero))
    y = model.run([x], x.shape, (1 / 256, -128))
    return {"scale": scale, "beta": options.beta}, [x], y


def add(random, number):
    """Random bytes of two scales."""
    x = [_bytes(random, (1, 10, 10, 5)) for _ in range(2)]
    given = [_quantisation(random) for _ in x]
    largest = max(scale for scale, _ in given)
    out = float(np.float32(largest * random.uniform(0.5, 4))), int(random.integers(-128, 128))
    options = schema.AddOptionsT()
    activation = list(ACTIVATIONS)[number % 3]
    options.fusedActivationFunction = ACTIVATIONS[activation]
    model = Model("ADD", options)
    for values, quantisation in zip(x, given, strict=True):
        model.input(values, quantisation)
    y = model.run(x, x[0].shape, out)
    return {"inputs": given, "output": out, "activation": activation}, x, y


def mean(random, number):
    """Over height and width; every third with equal scales."""
    shape = (2, *(int(size) for size in random.integers(1, 12, 2)), 24)
    x = _bytes(random, shape, 40)
    given = _quantisation(random)
    out = float(np.float32(given[0] * random.uniform(0.3, 2))), int(random.integers(-128, 128))
    out = out if number % 3 else given
    options = schema.ReducerOptionsT()
    options.keepDims = bool(number % 2)
    model = Model("MEAN", options)
    model.input(x, given)
    model.constant(np.array([1, 2], np.int32))
    y = model.run([x], (2, 1, 1, 24) if options.keepDims else (2, 24), out)
    return {"input": given, "output": out}, [x], y.reshape(2, 1, 1, 24)


def pool(random, number, name):
    """Valid and padded windows."""
    kernel, stride = (
        [int(size) for size in random.integers(1, top, 2)] for top in (6, 4)
    )
    height, width = (int(size) + 5 for size in random.integers(1, 5, 2))
    x = _bytes(random, (1, height, width, 6), (256, 10)[number % 2])
    options, same = schema.Pool2DOptionsT(), bool(number % 3)
    options.filterHeight, options.filterWidth = kernel
    options.strideH, options.strideW = stride
    options.padding = 0 if same else 1
    activation = list(ACTIVATIONS)[number % 2]
    options.fusedActivationFunction = ACTIVATIONS[activation]
    quantisation = _quantisation(random)
    out, padding = [], []
    for size, long, step in zip((height, width), kernel, stride, strict=True):
        count = -(-size // step) if same else (size - long) // step + 1
        total = max((count - 1) * step + long - size, 0) if same else 0
        out.append(count)
        padding.append((total // 2, total - total // 2))
    model = Model(name, options)
    model.input(x, quantisation)
    y = model.run([x], (1, *out, 6), quantisation)
    return {
        "kernel": kernel, "stride": stride, "zero": quantisation[1], "activation": activation,
        "padding": [side[end] for end in (0, 1) for side in padding],
    }, [x], y  # fmt: skip


def main():
    """Write the file beside this one."""
    random, made, arrays = np.random.default_rng(2024), [], {}
    makers = {
        "softmax": softmax, "add": add, "mean": mean,
        "average_pool": lambda *given: pool(*given, "AVERAGE_POOL_2D"),
        "max_pool": lambda *given: pool(*given, "MAX_POOL_2D"),
    }  # fmt: skip
    for op, make in makers.items():
        for number in range(12):
            case, inputs, output = make(random, number)
            made.append({"op": op, **case})
            arrays[f"{len(made) - 1} output"] = output
            for place, values in enumerate(inputs):
                arrays[f"{len(made) - 1} input {place}"] = values
    arrays["cases"] = np.array(json.dumps(made))
    np.savez_compressed(pathlib.Path(__file__).with_name("cases.npz"), **arrays)


if __name__ == "__main__":
    main()
