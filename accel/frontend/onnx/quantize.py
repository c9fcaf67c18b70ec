"""Float ONNX to int8 ONNX by ONNX Runtime's own tools: calibrate on images, then quantise.

With the "minmax" method the calibration takes the smallest and largest value of every tensor over
the images; "entropy" and "percentile" cut rare values off.  The same model and images give the same
file.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from accel.frontend.errors import ModelError
from accel.frontend.onnx import batches
from accel.frontend.onnx.importer import load
from accel.frontend.onnx.prepare import prepare, quiet
from accel.frontend.onnx.reading import one_line
from accel.frontend.onnx.reference import Reference
from accel.frontend.quantising import FloatFile, Options, unknown
from accel.graph.ir import Graph

#: What ONNX Runtime calls the two forms of a quantised file, the methods and the types.
FORMS = {"qdq": "QDQ", "qoperator": "QOperator"}
METHODS = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}
ACTIVATIONS = {"int8": "QInt8", "uint8": "QUInt8"}
#: Operators that ONNX Runtime leaves float by default, although they have int8 images on both
#: sides; the pooling behind one would then stay float as well.
_MORE = ("DepthToSpace", "GlobalMaxPool", "Max", "Min", "PRelu", "SpaceToDepth", "Sub")


class FloatModel(FloatFile):
    """A float ONNX model, prepared.

    Parameters:
        source: its file.
        shapes: of its inputs by name, batch first, where the file leaves dimensions open.

    Attributes:
        model: what is quantised; computes what the file does.

    Raises:
        ModelError: naming the file and the rule.
    """

    suffix, load = ".onnx", staticmethod(load)

    def __init__(self, source, shapes: Mapping[str, Sequence[int]] | None = None):
        super().__init__(pathlib.Path(source), prepare(source, shapes))

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs, without the batch, by name."""
        return {value.name: batches.image_shape(value) for value in self.model.graph.input}

    def told(self, options: Options) -> dict:
        """What a report says of the way of quantising."""
        from onnxruntime import __version__

        return options.told(f"onnxruntime {__version__}")

    def reference(self, graph: Graph) -> Reference:
        """The model, to compare the tensors of its int8 network with."""
        return Reference(self.model, graph.tensors)

    def _checked(self, options: Options) -> Options:
        return dataclasses.replace(options, keep_float=self._kept(options.keep_float))

    def _kept(self, names: Sequence[str]) -> tuple[str, ...]:
        """The nodes to leave float, named by their own names or those of their results."""
        nodes = {node.name: node.name for node in self.model.graph.node}
        nodes |= {name: node.name for node in self.model.graph.node for name in node.output}
        for name in names:
            if name not in nodes:
                raise unknown(self.source, name, nodes)
        return tuple(nodes[name] for name in names)

    def _write(self, target: pathlib.Path, images: dict[str, np.ndarray], options: Options):
        prepared = target.with_name("prepared.onnx")
        onnx.save(self.model, prepared)
        try:
            _quantize(prepared, target, images, options)
        except OSError:  # a full disk
            raise
        except Exception as error:  # onnxruntime raises what it likes
            raise ModelError(f"{self.source}: onnxruntime cannot quantise it: "
                             f"{one_line(error)}") from error  # fmt: skip


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
