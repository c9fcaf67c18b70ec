"""Input shapes of a model: dimensions that are left open, and batches that are not.

A model is quantised, and imported, for single images.  Its first dimension is the batch: left open
it stays open, unless the model computes with its own shapes; a fixed one becomes 1.
"""

import math

import numpy as np
import onnx
from onnx import numpy_helper

from accel import onnx_session
from accel.frontend.errors import ModelError
from accel.frontend.onnx.fitting import check_windows
from accel.frontend.onnx.reading import one_line
from accel.frontend.onnx.slices import check_slices

#: Operators whose constant second input may repeat the batch.
_SHAPED = ("Reshape", "Expand")
#: A rewritten model may differ by another order of float sums, and no more.
_TOLERANCE = 1e-4
#: Most elements of an input with a fixed batch.
_MOST_ELEMENTS = 1 << 26


def settle(file: str, model: onnx.ModelProto, shapes) -> onnx.ModelProto:
    """Give a model's inputs known shapes of one image.

    Args:
        file: for error messages.
        model: as reading.read returns it.
        shapes: the user's own, by the input's name: batch first.

    Raises:
        ModelError: a dimension is unknown or contradicts, or a batch is fixed.
    """
    given = {value.name: value for value in model.graph.input}
    for name, dims in (shapes or {}).items():
        if name not in given:
            raise ModelError(f"{file}: --shape {name}: its inputs are {list(given)}, not {name!r}")
        _set(file, given[name], dims)
    for value in given.values():
        _check_known(file, value)
    # A model that computes with its own batch is folded only for a known one.
    own = any(node.op_type in ("Shape", "Size") for node in model.graph.node)
    fixed = max((_dims(value)[0].dim_value for value in given.values()), default=0)
    return _single(file, model, fixed) if own or fixed > 1 or shapes else model


def one_image(file: str, model: onnx.ModelProto) -> onnx.ModelProto:
    """A quantised model whose inputs all have the same fixed batch, for one image; else itself.

    Raises:
        ModelError: it does not compute image by image.
    """
    fixed = {dims[0].dim_value if (dims := _dims(value)) else 0 for value in _given(model.graph)}
    if len(fixed) != 1 or max(fixed) <= 1:
        return model
    return _single(file, model, *fixed)


def _given(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The inputs that are not stored as well, as old files have it."""
    stored = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in stored]


def image_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """An input's shape without the batch."""
    return tuple(dim.dim_value for dim in _dims(value)[1:])


def _dims(value: onnx.ValueInfoProto):
    return value.type.tensor_type.shape.dim


def _set(file: str, value: onnx.ValueInfoProto, dims) -> None:
    """Fill an input's shape in."""
    known = _dims(value)
    same = len(known) in (0, len(dims)) and all(
        not old.dim_value or old.dim_value == new
        for old, new in zip(known[1:], dims[1:], strict=False)
    )
    if not same or len(dims) < 2 or min(dims) < 1:
        raise ModelError(
            f"{file}: --shape {value.name}={'x'.join(map(str, dims))}: must agree with the file's "
            f"shape {_told(value)}"
        )
    del known[:]
    for dim in dims:
        known.add().dim_value = dim


def _told(value: onnx.ValueInfoProto) -> str:
    """A shape as --shape wants it, with names or question marks for what is unknown."""
    dims = [str(dim.dim_value or dim.dim_param or "?") for dim in _dims(value)]
    return "x".join(dims) or "that it does not give"


def _check_known(file: str, value: onnx.ValueInfoProto) -> None:
    dims = _dims(value)
    if len(dims) < 2 or not all(dim.dim_value > 0 for dim in dims[1:]):
        example = "x".join(["1", *(str(dim.dim_value or 224) for dim in dims[1:])])
        example = example if len(dims) > 1 else "1x3x224x224"
        raise ModelError(
            f"{file}: input {value.name!r}: its shape must be known, not {_told(value)}: give it "
            f"with --shape NAME=SHAPE, for example --shape {value.name}={example}"
        )


def _single(file: str, model: onnx.ModelProto, fixed: int) -> onnx.ModelProto:
    """The model for one image, whatever batch it was exported for."""
    check_slices(file, model)
    check_windows(file, model)
    single = onnx.ModelProto()
    single.CopyFrom(model)
    del single.graph.value_info[:]
    for value in _given(single.graph):
        if _dims(value):
            _dims(value)[0].dim_value = 1
    for value in single.graph.output:
        value.type.tensor_type.ClearField("shape")
    if fixed > 1:
        _reshape(single.graph, fixed)
        _check_same(file, model, single, fixed)
    return single


def _reshape(graph: onnx.GraphProto, batch: int) -> None:
    """Targets of reshapes that repeat the batch have 1 there."""
    targets = {node.input[1] for node in graph.node if node.op_type in _SHAPED and node.input[1:]}
    stored = [tensor for tensor in graph.initializer if tensor.name in targets]
    stored += [item.t for node in graph.node if node.op_type == "Constant"
               and targets.intersection(node.output) for item in node.attribute
               if item.name == "value"]
    for tensor in stored:
        array = numpy_helper.to_array(tensor)
        if array.size > 1 and array[0] == batch:
            array = np.concatenate([[1], array[1:]]).astype(array.dtype)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _random(rng, kind: int, dims) -> np.ndarray:
    """Random floats, bytes, or small numbers."""
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    if dtype.kind == "f":
        return rng.standard_normal(dims).astype(dtype)
    if dtype.itemsize == 1 and dtype.kind in "iu":
        return rng.integers(0, 256, dims).astype(np.uint8).view(dtype)
    return rng.integers(0, 2, dims).astype(dtype)


def _check_same(file: str, model: onnx.ModelProto, single: onnx.ModelProto, batch: int) -> None:
    """Run both on random images: the first one's results must be the same."""
    rng = np.random.default_rng(0)
    given = {}
    for value in _given(model.graph):
        dims = [dim.dim_value or batch for dim in _dims(value)]
        if math.prod(dims) > _MOST_ELEMENTS:
            raise ModelError(f"{file}: input {value.name!r}: a fixed batch must have at most "
                             f"{_MOST_ELEMENTS} elements, not {dims}")
        given[value.name] = _random(rng, value.type.tensor_type.elem_type, dims)
    rule = (f"{file}: the batch is fixed at {batch}: it must be 1 or left open, or the model must "
            "not depend on it: export the model for any number of images")  # fmt: skip
    try:
        many = onnx_session.session(model).run(None, given)
        one = onnx_session.session(single).run(None, {name: a[:1] for name, a in given.items()})
    except Exception as error:
        raise ModelError(f"{rule} ({one_line(error)})") from error
    for wanted, found in zip(many, one, strict=True):
        # Detections and the like, whose number is the images' together, are not the first's alone.
        if found.shape != (1, *wanted.shape[1:]) or not np.allclose(
            found, wanted[:1], rtol=_TOLERANCE, atol=_TOLERANCE * (np.abs(wanted).max(initial=0))
        ):
            raise ModelError(rule)
