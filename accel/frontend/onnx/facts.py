"""Types and shapes of a model's values, for one image."""

import functools
import math

import numpy as np
import onnx

from accel import onnx_session
from accel.frontend.errors import ModelError

#: Dimensions, the batch of one image included.
Fact = tuple[np.dtype, tuple[int, ...]]


class Facts:
    """What is known of a model's values: by inference, or else by running the model once.

    Parameters:
        file: for error messages.
        model: whose inputs have known shapes but for the batch.
    """

    def __init__(self, file: str, model: onnx.ModelProto):
        self._file = file
        self._model = _one_image(model)
        self._known: dict[str, Fact] | None = None
        self._ran = False

    def of(self, name: str) -> Fact:
        """A value's type and shape.

        Raises:
            ModelError: the model cannot be run to find out.
        """
        known = self._without_running()
        if name not in known and not self._ran:
            self._ran = True
            known |= self._observed()
        if name not in known:
            raise ModelError(f"{self._file}: value {name!r}: its type and shape must be known")
        return known[name]

    def follows(self, name: str) -> bool:
        """Whether a value's shape is the same for all images, as far as can be inferred."""
        return name in self._inferred

    def _without_running(self) -> dict[str, Fact]:
        if self._known is None:
            self._known = dict(self._inferred)
            if any(map(_rounds_up, self._model.graph.node)):
                stored = {tensor.name for tensor in self._model.graph.initializer}
                stored |= {value.name for value in self._model.graph.input}
                self._known = {name: self._known[name] for name in stored & self._known.keys()}
        return self._known

    @functools.cached_property
    def _inferred(self) -> dict[str, Fact]:
        return _inferred(self._model)

    def dtype(self, name: str) -> np.dtype:
        """A value's type."""
        return self.of(name)[0]

    def _observed(self) -> dict[str, Fact]:
        """Types and shapes that the values have in a run on zeros."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        named = [name for node in model.graph.node for name in node.output
                 if name and name not in self._known]
        outputs = {value.name for value in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in named if n not in outputs)
        wanted = [value.name for value in model.graph.output]
        try:
            session = onnx_session.session(model)
            zeros = {value.name: np.zeros(*reversed(self.of(value.name)))
                     for value in session.get_inputs()}
            values = session.run(wanted, zeros)
        except Exception as error:
            text = " ".join(str(error).split())
            raise ModelError(f"{self._file}: ONNX Runtime does not run it: {text}") from None
        return {name: (value.dtype, value.shape) for name, value in zip(wanted, values, strict=True)
                if isinstance(value, np.ndarray)}


def _rounds_up(node: onnx.NodeProto) -> bool:
    """Whether the onnx library's idea of a result's size may not be ONNX Runtime's."""
    return any(item.name == "ceil_mode" and item.i or item.name == "auto_pad"
               for item in node.attribute)


def _one_image(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a batch of 1 and without what it says of values inside."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    stored = {tensor.name for tensor in result.graph.initializer}
    for value in result.graph.input:
        dims = value.type.tensor_type.shape.dim
        if value.name not in stored and dims and not dims[0].dim_value:
            dims[0].dim_value = 1
    del result.graph.value_info[:]
    for value in result.graph.output:
        value.type.tensor_type.ClearField("shape")
    return result


def _inferred(model: onnx.ModelProto) -> dict[str, Fact]:
    """What the onnx library infers, where that is complete."""
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        graph = model.graph
    known = {tensor.name: (onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type),
                           tuple(tensor.dims)) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim]
        if kind.elem_type and kind.HasField("shape") and min(dims, default=1) >= 0:
            known.setdefault(value.name, (onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type),
                                          tuple(dims)))
    return known


def macs(node: onnx.NodeProto, facts: Facts) -> int:
    """Multiply-accumulates of a node, where it is one of the layers that are made of them."""
    kinds = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "ConvTranspose": 1, "Gemm": 1,
             "MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3, "QGemm": 3}  # fmt: skip
    if node.op_type not in kinds:
        return 0
    (_, given), (_, weights) = (facts.of(node.input[n]) for n in (0, kinds[node.op_type]))
    _, made = facts.of(node.output[0])
    if node.op_type == "ConvTranspose":
        return math.prod(given) * math.prod(weights[1:])
    if "Conv" in node.op_type:
        return math.prod(made) * math.prod(weights[1:])
    attributes = {item.name: item.i for item in node.attribute}
    return math.prod(made) * given[-2 if attributes.get("transA") else -1]
