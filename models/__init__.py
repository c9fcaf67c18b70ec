"""The built-in networks.

``BUILTIN`` are trained int8 files, each with some real inputs to run it on; ``NETWORKS`` are
definitions, built by a function each in the modules beside this one.  Only the files have trained
weights: a definition starts from seeded random ones.

Sources, licences and hashes of the files are in SOURCES.md beside this module.
"""

import dataclasses
import importlib
import pathlib

_HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Builtin:
    """A network that ships with the project.

    ``inputs`` is an .npz file with ``images`` in the network's own layout and, where they show
    something, ``labels``.
    """

    name: str
    summary: str
    network: pathlib.Path
    inputs: pathlib.Path


def _ours(name: str, summary: str, network: str, inputs: str) -> Builtin:
    """The network whose files lie in the folder of its name."""
    return Builtin(name, summary, _HERE / name / network, _HERE / name / inputs)


def _by_name(*models) -> dict:
    return {model.name: model for model in models}


BUILTIN: dict[str, Builtin] = _by_name(
    _ours(
        "mnist", "mnist-8 of the ONNX model zoo, int8: two 5x5 convolutions, ten digits",
        "mnist8.onnx", "digits.npz",
    ),
    _ours(
        "lenet5", "LeNet-5, int8, trained here on 4,000 digits", "lenet5_int8.onnx", "digits.npz",
    ),
    _ours(
        "shallow", "the shallow CNN, int8, trained here on 4,000 digits", "shallow_int8.onnx",
        "digits.npz",
    ),
    _ours(
        "kws", "MLPerf Tiny's keyword spotting, int8 TFLite: depthwise separable, 12 words",
        "kws_dscnn_int8.tflite", "words.npz",
    ),
    _ours(
        "resnet8", "MLPerf Tiny's ResNet-8, int8 per channel: residual; images are noise",
        "resnet8_int8.onnx", "noise.npz",
    ),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Definition:
    """A network described in a module of this package by the function ``name``.

    ``data`` is an .npz file with ``images`` and ``labels`` to train on, where one ships.
    """

    name: str
    module: str
    data: pathlib.Path | None = None

    def build(self):
        """Return the network, an accel.network.Network without weights."""
        return getattr(importlib.import_module(f"accel.models.{self.module}"), self.name)()


#: 5,000 digits, 28x28 uint8, with labels.
DIGITS = _HERE / "mnist" / "mnist5000.npz"

NETWORKS: dict[str, Definition] = _by_name(
    Definition("notes", "notes"),
    Definition("shallow", "digits", DIGITS),
    Definition("lenet5", "digits", DIGITS),
    Definition("minivggnet", "cifar"),
    Definition("convnetjs_cifar10", "cifar"),
    Definition("alexnet", "alexnet"),
    Definition("googlenet", "googlenet"),
    Definition("resnet18", "resnet"),
    Definition("resnet34", "resnet"),
    Definition("resnet50", "resnet"),
    Definition("vgg16", "vgg"),
    Definition("mobilenet", "mobilenet"),
    Definition("mobilenet_v1", "mobilenet"),
    Definition("mobilenet_v2", "mobilenet"),
    Definition("mnasnet", "mnasnet"),
    Definition("squeezenet", "squeezenet"),
)
