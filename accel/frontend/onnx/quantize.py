"""Float ONNX to int8 ONNX by ONNX Runtime's own tools: calibrate on images, then quantise.

With the "minmax" method the calibration takes the smallest and largest value of every tensor over
the images; "entropy" and "percentile" cut rare values off.  The same model and images give the same
file.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx

from accel.frontend import coverage
from accel.frontend.errors import ModelError
from accel.frontend.onnx import batches
from accel.frontend.onnx.importer import load
from accel.frontend.onnx.prepare import prepare, quiet
from accel.frontend.onnx.reading import one_line
from accel.frontend.onnx.reference import Reference
from accel.frontend.quantising import Options, check_images, unknown
from accel.graph.ir import Graph

#: What ONNX Runtime calls the two forms of a quantised file, the methods and the types.
FORMS = {"qdq": "QDQ", "qoperator": "QOperator"}
METHODS = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}
ACTIVATIONS = {"int8": "QInt8", "uint8": "QUInt8"}
#: Operators that ONNX Runtime leaves float by default, although they have int8 images on both
#: sides; the pooling behind one would then stay float as well.
_MORE = ("DepthToSpace", "GlobalMaxPool", "Max", "Min", "PRelu", "SpaceToDepth", "Sub")


class FloatModel:
    """A float ONNX model, prepared.

    Parameters:
        source: its file.
        shapes: of its inputs by name, batch first, where the file leaves dimensions open.

    Attributes:
        model: what is quantised; computes what the file does.

    Raises:
        ModelError: naming the file and the rule.
    """

    def __init__(self, source, shapes: Mapping[str, Sequence[int]] | None = None):
        self.source = pathlib.Path(source)
        self.model = prepare(source, shapes)

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs, without the batch, by name."""
        return {value.name: batches.image_shape(value) for value in self.model.graph.input}

    def check(self, images) -> dict[str, np.ndarray]:
        """Images by input name; of a model with one input they may be given alone.

        Raises:
            ModelError: wrong names, shapes, types or values.
        """
        return check_images(self.source, self.inputs, images)

    def told(self, options: Options) -> dict:
        """What a report says of the way of quantising."""
        from onnxruntime import __version__

        return options.told(f"onnxruntime {__version__}")

    def reference(self, graph: Graph) -> Reference:
        """The model, to compare the tensors of its int8 network with."""
        return Reference(self.model, graph.tensors)

    def missing(self, images) -> list[coverage.Missing]:
        """What would not run on the machine, found without calibrating: with one image's scales.

        Raises:
            ModelError: the model cannot be quantised at all.
        """
        first = {name: array[:1] for name, array in self.check(images).items()}
        with self._quantised(first, Options(), "missing.onnx") as (_, graph):
            return coverage.missing(graph)

    def quantize(self, target, images, options: Options) -> Graph:
        """Write the int8 model, only if the importer takes it, and return it as a graph.

        Raises:
            ModelError: naming the file and the rule.
        """
        target = pathlib.Path(target)
        options = dataclasses.replace(options, keep_float=self._kept(options.keep_float))
        with self._quantised(self.check(images), options, target.name, target.parent) as made:
            file, graph = made
            shutil.move(file, target)
            return graph

    def _kept(self, names: Sequence[str]) -> tuple[str, ...]:
        """The nodes to leave float, named by their own names or those of their results."""
        nodes = {node.name: node.name for node in self.model.graph.node}
        nodes |= {name: node.name for node in self.model.graph.node for name in node.output}
        for name in names:
            if name not in nodes:
                raise unknown(self.source, name, nodes)
        return tuple(nodes[name] for name in names)

    @contextlib.contextmanager
    def _quantised(
        self, images: dict[str, np.ndarray], options: Options, name: str, beside=None
    ) -> Iterator[tuple[pathlib.Path, Graph]]:
        """A quantised file, in a folder for the time being, and what the importer makes of it."""
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=beside) as folder:
            result = pathlib.Path(folder) / name
            prepared = result.with_name("prepared.onnx")
            onnx.save(self.model, prepared)
            try:
                _quantize(prepared, result, images, options)
            except Exception as error:  # onnxruntime raises what it likes
                raise ModelError(f"{self.source}: onnxruntime cannot quantise it: "
                                 f"{one_line(error)}") from error  # fmt: skip
            try:
                graph = load(result)
            except ModelError as error:
                text = str(error).replace(str(result), os.fspath(self.source))
                raise ModelError(f"quantised, but not for this accelerator: {text}") from None
            yield result, graph


class Images:
    """The images one by one, as onnxruntime's calibration asks for them."""

    def __init__(self, images: dict[str, np.ndarray]):
        self._names = list(images)
        self._images = iter(zip(*images.values(), strict=True))

    def get_next(self):
        """Return the next image by input name, or None after the last."""
        image = next(self._images, None)
        if image is None:
            return None
        return {name: values[None] for name, values in zip(self._names, image, strict=True)}


def _operators() -> list[str]:
    """Kinds of operators to quantise: ONNX Runtime's own, and the machine's besides."""
    from onnxruntime.quantization import registry

    return sorted({*registry.QLinearOpsRegistry, *registry.QDQRegistry, *_MORE})


def _quantize(prepared, result, images: dict[str, np.ndarray], options: Options) -> None:
    from onnxruntime import quantization

    with quiet():
        quantization.quantize_static(
            str(prepared), str(result), Images(images),
            quant_format=quantization.QuantFormat[FORMS[options.form]],
            per_channel=options.per_channel, reduce_range=options.reduce_range,
            activation_type=quantization.QuantType[ACTIVATIONS[options.activations]],
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=list(options.keep_float), op_types_to_quantize=_operators(),
            calibrate_method=quantization.CalibrationMethod[METHODS[options.method]],
        )  # fmt: skip


def quantize(source, target, images, shapes=None, **options) -> FloatModel:
    """Quantise a float ONNX model to int8 activations and weights.

    Args:
        source: the float model.
        target: where the int8 model goes; written only if the importer takes it.
        images: float32 [n, ...] in the model's own layout, to calibrate with, or such by input.
        shapes: of inputs by name, batch first, where the file leaves dimensions open.
        options: those of Options.

    Returns:
        The prepared float model.

    Raises:
        ModelError: naming the file and the rule.
    """
    model = FloatModel(source, shapes)
    model.quantize(target, images, Options(**options))
    return model
