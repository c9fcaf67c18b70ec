"""A float file to a model that ONNX Runtime's quantiser handles well, computing the same.

    reading      the file in one form: its weights, functions, constants, order, versions
    batches      known shapes, of one image
    here         ONNX Runtime folds constants and what follows a convolution
    affine       what is left of batch normalisation and constants per channel becomes layers
    reductions   means over an image become poolings
    tokens       layers on every pixel's channels become 1x1 convolutions
    biases       what the quantiser takes for vectors are vectors
"""

import contextlib
import logging
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import onnx

from accel.frontend.errors import ModelError
from accel.frontend.onnx import affine, batches, biases, reading, reductions, tokens
from accel.frontend.onnx.fitting import check_windows
from accel.frontend.onnx.rewriting import Rewriting
from accel.frontend.onnx.slices import check_slices
from accel.whole import workspace


def prepare(path, shapes: Mapping[str, Sequence[int]] | None = None) -> onnx.ModelProto:
    """Read and prepare a float model.

    Args:
        path: of the file.
        shapes: of inputs by name, batch first, where the file leaves dimensions open.

    Raises:
        ModelError: naming the file, the rule and the value.
    """
    file = str(path)
    model = reading.read(path)
    _check_float(file, model)
    model = batches.settle(file, model, shapes)
    check_slices(file, model)  # with the shapes that are known only now
    check_windows(file, model)
    model = _folded(file, model)
    Rewriting(model).apply((affine.rewrite, reductions.rewrite, biases.rewrite, tokens.rewrite))
    return model


def _check_float(file: str, model: onnx.ModelProto) -> None:
    if not model.graph.input:
        raise ModelError(f"{file}: a model to quantise must have an input, not none")
    kinds = {value.type.tensor_type.elem_type for value in model.graph.input}
    operators = {node.op_type for node in model.graph.node}
    quantised = any(op in ("QuantizeLinear", "DynamicQuantizeLinear") or op.startswith("QLinear")
                    for op in operators)  # fmt: skip
    if quantised or kinds != {onnx.TensorProto.FLOAT}:
        names = sorted(onnx.TensorProto.DataType.Name(kind) for kind in kinds)
        found = "quantised already" if quantised else f"inputs of {', '.join(names)}"
        raise ModelError(f"{file}: a model to quantise must be float32, not {found}")


def _folded(file: str, model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with constants folded, and batch normalisation in the convolution before it."""
    from onnxruntime.quantization import shape_inference

    place = pathlib.Path(tempfile.gettempdir())
    with workspace(place, "accel") as folder, quiet() as said:
        source, target = (folder / name for name in ("in.onnx", "out.onnx"))
        onnx.save(model, source)
        try:
            shape_inference.quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
            result = onnx.load(target)
        except OSError:  # a full disk
            raise
        except Exception as error:  # onnxruntime raises what it likes
            raise ModelError(f"{file}: onnxruntime cannot prepare it: {reading.one_line(error)}"
                             ) from error  # fmt: skip
    if said:  # it goes on with a model that it cannot run
        text = " ".join(said[-1].split())[-300:]
        raise ModelError(f"{file}: onnxruntime does not run it: {text}")
    return result


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep onnxruntime's tools from talking; what they call errors is in the list."""
    import onnxruntime

    said, root = [], logging.getLogger()
    onnxruntime.set_default_logger_severity(4)

    class Collect(logging.Handler):
        """Keeps messages instead of writing them."""

        def emit(self, record):
            """Keep one."""
            said.append(record.getMessage())

    before, handlers = root.level, root.handlers[:]
    root.handlers[:] = [Collect(logging.ERROR)]
    root.setLevel(logging.ERROR)
    try:
        yield said
    finally:
        root.setLevel(before)
        root.handlers[:] = handlers
