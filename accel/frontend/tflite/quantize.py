"""Float TFLite to int8 TFLite by Google's own ai-edge-quantizer: calibrate, then quantise.

A .tflite file stays one: its operators are LiteRT's, whose reference kernels the machine follows
byte for byte, and Google's quantiser chooses scales by these kernels' rules (a softmax's 1/256, a
pooling's of both sides).  By way of ONNX it would need a converter, which turns every image about,
and the result would be held to other kernels than the file's own.
"""

import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from accel import litert
from accel.frontend.errors import ModelError
from accel.frontend.quantising import FloatFile, Options, unknown
from accel.frontend.tflite.importer import load
from accel.frontend.tflite.prepare import prepare
from accel.frontend.tflite.reference import Reference
from accel.graph.ir import Graph


class FloatModel(FloatFile):
    """A float TFLite model, prepared.

    Parameters:
        source: its file.
        shapes: nothing; TFLite files have shapes.

    Attributes:
        model: what is quantised; computes what the file does.

    Raises:
        ModelError: naming the file and the rule.
    """

    suffix, load = ".tflite", staticmethod(load)

    def __init__(self, source, shapes: Mapping[str, Sequence[int]] | None = None):
        if shapes:
            raise ModelError(f"{source}: a TFLite file's inputs have shapes of their own; "
                             f"{sorted(shapes)} must not be given")  # fmt: skip
        super().__init__(pathlib.Path(source), prepare(source))

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs, without the batch, by name."""
        records = [self.model.records[index] for index in self.model.inputs]
        return {record.name: record.shape[1:] for record in records}

    def told(self, options: Options) -> dict:
        """What a report says of the way of quantising."""
        return options.told(f"ai-edge-quantizer {litert.quantizer_version()}")

    def reference(self, graph: Graph) -> Reference:
        """The model, to compare the tensors of its int8 network with."""
        return Reference(self.model, graph.tensors)

    def _checked(self, options: Options) -> Options:
        defaults = Options()
        for name in ("method", "form", "reduce_range", "activations"):
            value, wanted = getattr(options, name), getattr(defaults, name)
            if value != wanted:
                raise ModelError(f"{self.source}: {name} must be {wanted!r} for a TFLite file, "
                                 f"which ai-edge-quantizer quantises, not {value!r}")  # fmt: skip
        for name in options.keep_float:
            if name not in self.model.names:
                raise unknown(self.source, name, self.model.names)
        return options

    def _write(self, target: pathlib.Path, images: dict[str, np.ndarray], options: Options):
        # An operator is known by its outputs' names, with ; behind each.
        kept = [f"(^|;){re.escape(one)};" for one in options.keep_float]
        try:
            content = litert.quantize(self.model.content(), list(images.values()),
                                      options.per_channel, kept)
        except litert.LiteRTError as error:
            raise ModelError(f"{self.source}: ai-edge-quantizer cannot quantise it: {error}"
                             ) from None  # fmt: skip
        target.write_bytes(content)
