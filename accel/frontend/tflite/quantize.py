"""Float TFLite to int8 TFLite by Google's own ai-edge-quantizer: calibrate, then quantise.

A .tflite file stays one: its operators are LiteRT's, whose reference kernels the machine follows
byte for byte, and Google's quantiser chooses scales by these kernels' rules (a softmax's 1/256, a
pooling's of both sides).  By way of ONNX it would need a converter, which turns every image about,
and the result would be held to other kernels than the file's own.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from accel import litert
from accel.frontend import coverage
from accel.frontend.errors import ModelError
from accel.frontend.quantising import Options, check_images, unknown
from accel.frontend.tflite.importer import load
from accel.frontend.tflite.prepare import prepare
from accel.frontend.tflite.reference import Reference
from accel.graph.ir import Graph


class FloatModel:
    """A float TFLite model, prepared.

    Parameters:
        source: its file.
        shapes: nothing; TFLite files have shapes.

    Attributes:
        model: what is quantised; computes what the file does.

    Raises:
        ModelError: naming the file and the rule.
    """

    def __init__(self, source, shapes: Mapping[str, Sequence[int]] | None = None):
        self.source = pathlib.Path(source)
        if shapes:
            raise ModelError(f"{self.source}: a TFLite file's inputs have shapes of their own; "
                             f"{sorted(shapes)} must not be given")  # fmt: skip
        self.model = prepare(source)

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs, without the batch, by name."""
        records = [self.model.records[index] for index in self.model.inputs]
        return {record.name: record.shape[1:] for record in records}

    def check(self, images) -> dict[str, np.ndarray]:
        """Images by input name; of a model with one input they may be given alone.

        Raises:
            ModelError: wrong names, shapes, types or values.
        """
        return check_images(self.source, self.inputs, images)

    def told(self, options: Options) -> dict:
        """What a report says of the way of quantising."""
        return options.told(f"ai-edge-quantizer {litert.quantizer_version()}")

    def reference(self, graph: Graph) -> Reference:
        """The model, to compare the tensors of its int8 network with."""
        return Reference(self.model, graph.tensors)

    def missing(self, images) -> list[coverage.Missing]:
        """What would not run on the machine, found without calibrating: with one image's scales.

        Raises:
            ModelError: the model cannot be quantised at all.
        """
        first = {name: array[:1] for name, array in self.check(images).items()}
        with self._quantised(first, Options(), "missing.tflite") as (_, graph):
            return coverage.missing(graph)

    def quantize(self, target, images, options: Options) -> Graph:
        """Write the int8 model, only if the importer takes it, and return it as a graph.

        Raises:
            ModelError: naming the file and the rule.
        """
        target = pathlib.Path(target)
        self._check_options(options)
        with self._quantised(self.check(images), options, target.name, target.parent) as made:
            file, graph = made
            shutil.move(file, target)
            return graph

    def _check_options(self, options: Options) -> None:
        defaults = Options()
        for name in ("method", "form", "reduce_range", "activations"):
            value, wanted = getattr(options, name), getattr(defaults, name)
            if value != wanted:
                raise ModelError(f"{self.source}: {name} must be {wanted!r} for a TFLite file, "
                                 f"which ai-edge-quantizer quantises, not {value!r}")  # fmt: skip
        for name in options.keep_float:
            if name not in self.model.names:
                raise unknown(self.source, name, self.model.names)

    @contextlib.contextmanager
    def _quantised(
        self, images: dict[str, np.ndarray], options: Options, name: str, beside=None
    ) -> Iterator[tuple[pathlib.Path, Graph]]:
        """A quantised file, in a folder for the time being, and what the importer makes of it."""
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=beside) as folder:
            result = pathlib.Path(folder) / name
            # An operator is known by its outputs' names, with ; behind each.
            kept = [f"(^|;){re.escape(one)};" for one in options.keep_float]
            try:
                content = litert.quantize(self.model.content(), list(images.values()),
                                          options.per_channel, kept)
            except litert.LiteRTError as error:
                raise ModelError(f"{self.source}: ai-edge-quantizer cannot quantise it: {error}"
                                 ) from None  # fmt: skip
            result.write_bytes(content)
            try:
                graph = load(result)
            except ModelError as error:
                text = str(error).replace(str(result), os.fspath(self.source))
                raise ModelError(f"quantised, but not for this accelerator: {text}") from None
            yield result, dataclasses.replace(graph, name=pathlib.Path(name).stem)
