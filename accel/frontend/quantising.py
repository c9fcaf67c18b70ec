"""What quantising float files has in common, whatever their format."""

import abc
import contextlib
import dataclasses
import difflib
import importlib
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from accel.errors import shown
from accel.frontend import coverage
from accel.frontend.errors import ModelError
from accel.graph.ir import Graph
from accel.whole import workspace

#: Module by the file's suffix; each has a class ``FloatModel``.
FORMATS = {".onnx": "accel.frontend.onnx.quantize", ".tflite": "accel.frontend.tflite.quantize"}

_CHOICES = {
    "method": ("minmax", "entropy", "percentile"), "activations": ("int8", "uint8"),
    "form": ("qdq", "qoperator"),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Options:
    """How to quantise.

    Attributes:
        per_channel: one weight scale for every output channel instead of one a layer.
        form: "qdq" (float operators between conversions) or "qoperator" (integer operators).
        method: of calibration: "minmax", "entropy" or "percentile".
        reduce_range: weights of 7 bits, -64 to 64, at some cost in accuracy: with them ONNX
            Runtime's default kernels are exact on processors without VNNI, too (they add pairs of
            products in 16 bits; accel.onnx_session).  Golden model and machine always are.
        activations: "int8" or "uint8".
        keep_float: names of nodes that stay float; the host computes them.
    """

    per_channel: bool = False
    form: str = "qdq"
    method: str = "minmax"
    reduce_range: bool = False
    activations: str = "int8"
    keep_float: Sequence[str] = ()

    def __post_init__(self):
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ModelError(f"{name} must be one of {', '.join(known)}, not {shown(value)}")

    def told(self, library: str) -> dict:
        """What a report says of the way of quantising."""
        return {
            "library": library, "method": self.method, "per_channel": self.per_channel,
            "reduce_range": self.reduce_range, "activations": self.activations, "form": self.form,
            "keep_float": list(self.keep_float),
        }  # fmt: skip


class FloatFile(abc.ABC):
    """A float network's file, prepared; its kinds are the ``FloatModel`` of each format.

    Parameters:
        source: the file.
        model: what is quantised; computes what the file does.

    Attributes:
        suffix: of the format's files.
        load: the format's importer.
    """

    suffix: str
    load: Callable[[pathlib.Path], Graph]

    def __init__(self, source: pathlib.Path, model):
        self.source, self.model = source, model

    @property
    @abc.abstractmethod
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs, without the batch, by name."""

    @abc.abstractmethod
    def told(self, options: Options) -> dict:
        """What a report says of the way of quantising."""

    @abc.abstractmethod
    def reference(self, graph: Graph):
        """The model, to compare the tensors of its int8 network with."""

    @abc.abstractmethod
    def _checked(self, options: Options) -> Options:
        """The options in the format's own names; a ModelError where it has none of them."""

    @abc.abstractmethod
    def _write(self, target: pathlib.Path, images: dict[str, np.ndarray], options: Options):
        """Write the int8 file by the format's quantiser; a ModelError where that refuses."""

    def check(self, images) -> dict[str, np.ndarray]:
        """Images by input name; of a model with one input they may be given alone.

        Raises:
            ModelError: wrong names, shapes, types or values.
        """
        return check_images(self.source, self.inputs, images)

    def missing(self, images) -> list[coverage.Missing]:
        """What would not run on the machine, found without calibrating: with one image's scales.

        Raises:
            ModelError: the model cannot be quantised at all.
        """
        first = {name: array[:1] for name, array in self.check(images).items()}
        with self._quantised(first, Options(), f"missing{self.suffix}") as (_, graph):
            return coverage.missing(graph)

    def quantize(self, target, images, options: Options) -> Graph:
        """Write the int8 model, only if the importer takes it, and return it as a graph.

        Raises:
            ModelError: naming the file and the rule.
        """
        target, options = pathlib.Path(target), self._checked(options)
        if target.is_dir() or not target.parent.is_dir():
            why = "is a folder" if target.is_dir() else "there is no such folder"
            raise ModelError(f"{target}: cannot be written: {why}")
        with self._quantised(self.check(images), options, target.name, target.parent) as made:
            file, graph = made
            file.replace(target)
            return graph

    @contextlib.contextmanager
    def _quantised(
        self, images: dict[str, np.ndarray], options: Options, name: str, beside=None
    ) -> Iterator[tuple[pathlib.Path, Graph]]:
        """A quantised file, in a folder for the time being, and what the importer makes of it."""
        with workspace(beside or pathlib.Path(tempfile.gettempdir()), name) as folder:
            result = folder / name
            self._write(result, images, options)
            try:
                graph = type(self).load(result)
            except ModelError as error:
                text = str(error).replace(str(result), os.fspath(self.source))
                raise ModelError(f"quantised, but not for this accelerator: {text}") from None
            yield result, graph


def float_model(path, shapes: Mapping[str, Sequence[int]] | None = None) -> FloatFile:
    """Open a float file.

    Args:
        path: of the file.
        shapes: of its inputs by name, batch first, where the file leaves dimensions open.

    Raises:
        ModelError: naming the file and the rule.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ModelError(f"{os.fspath(path)}: a float network's file must end in one of "
                         f"{sorted(FORMATS)}, not {suffix!r}")  # fmt: skip
    return importlib.import_module(FORMATS[suffix]).FloatModel(path, shapes)


def original(name: str, suffixes: Iterable[str]) -> str:
    """The float value's name, by that of its quantised tensor and what quantisers put behind."""
    return next((name.removesuffix(end) for end in suffixes if name.endswith(end)), name)


def check_images(file, inputs: Mapping[str, tuple[int, ...]], images) -> dict[str, np.ndarray]:
    """Images by input name; of a model with one input they may be given alone.

    Args:
        file: for messages.
        inputs: shapes without the batch, by name.
        images: float32, along the first axis.

    Raises:
        ModelError: wrong names, shapes, types or values.
    """
    if not isinstance(images, Mapping):
        arrays = list(images) if isinstance(images, (list, tuple)) else [images]
        if len(arrays) != len(inputs):
            raise ModelError(f"{file}: calibration needs images for the inputs {list(inputs)}, "
                             f"not {len(arrays)} arrays")  # fmt: skip
        images = dict(zip(inputs, arrays, strict=True))
    if images.keys() != inputs.keys():
        raise ModelError(f"{file}: the inputs are {list(inputs)}, not {list(images)}")
    images = {name: np.asarray(images[name]) for name in inputs}
    for name, shape in inputs.items():
        array = images[name]
        if array.dtype != np.float32 or array.shape[1:] != shape or not len(array):
            wanted = ", ".join(map(str, ("N", *shape)))
            raise ModelError(f"{file}: calibration images must be float32 ({wanted}), "
                             f"not {array.dtype} {array.shape}")  # fmt: skip
        if not np.isfinite(array).all():
            raise ModelError(f"{file}: calibration images must be finite, not NaN or infinite")
    if len(set(map(len, images.values()))) > 1:
        raise ModelError(f"{file}: all inputs must have the same number of images")
    return images


def unknown(file, name: str, known: Iterable[str]) -> ModelError:
    """The error about a node that is to be kept float and does not exist."""
    known = list(known)
    near = difflib.get_close_matches(name, known, 3, 0) or known[:3]
    return ModelError(f"{file}: no node {name!r} to keep float; the nearest are {near}")
