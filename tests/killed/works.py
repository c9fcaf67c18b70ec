"""The commands that are killed: each on a small input, with all that it writes."""

import dataclasses
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from tests.support.float_models import IMAGES, dense


def _nothing(folder: pathlib.Path) -> None:
    """It needs no file."""


@dataclasses.dataclass(frozen=True)
class Work:
    """A command.

    Attributes:
        arguments: of ``module``, in a folder of its own.
        module: what Python runs.
        prepare: writes the files that the command reads into that folder.
        earlier: arguments of a command before, whose files are in the way; without them there is
            none.
        resume: added where the file ``mark`` is there: the way to continue.
        wholes: folders that are one thing: the old one or the new one.
        own_cache: whether it begins with a home and caches of its own; else it shares them.
        measures: whether its files hold times, so that none is compared.
    """

    arguments: tuple[str, ...]
    module: str = "accel.cli"
    prepare: Callable[[pathlib.Path], None] = _nothing
    earlier: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    mark: str = ""
    wholes: tuple[str, ...] = ()
    own_cache: bool = False
    measures: bool = False


def _float_model(folder: pathlib.Path) -> None:
    dense().save(folder, "float.onnx")
    np.savez(folder / "images.npz", images=IMAGES)


def _digits(folder: pathlib.Path) -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 10
    images = rng.random((60, 1, 28, 28), np.float32) + labels[:, None, None, None] / 10
    np.savez(folder / "digits.npz", images=images.astype(np.float32), labels=labels)


def _compiled_before(folder: pathlib.Path) -> None:
    """Code of an earlier source is there."""
    from tests.killed.process import start  # which imports this module

    before = Work(("out", "1"), module="tests.killed.kernels", own_cache=True)
    assert start(folder, before).wait() == 0
    shutil.rmtree(folder / "out")


def _with(words: str, prepare=_nothing, **more) -> Work:
    earlier = tuple(more.pop("earlier", "").split())
    return Work(tuple(words.split()), prepare=prepare, earlier=earlier, **more)


WORKS = {
    "run": _with("run notes --array 4x4 --limit 2 --out out --dump dump", wholes=("dump",),
                 earlier="run notes --array 4x4 --limit 1 --out out --dump dump"),
    "run of a float file": _with("run float.onnx --input images.npz --limit 1 --array 4x4 "
                                 "--out out", _float_model),
    "estimate": _with("estimate notes --array 4x4 --out out",
                      earlier="estimate notes --array 4x8 --out out"),
    "sweep": _with("sweep notes --array 4x4,4x8 --bus-bytes 4,8 --latency 1,20 --jobs 2 --out out",
                   earlier="sweep notes --array 4x4 --bus-bytes 4,8 --latency 1 --out out"),
    "train": _with("train shallow --data digits.npz --epochs 4 --batch-size 8 --out out", _digits,
                   resume=("--resume",), mark="out/checkpoint.npz"),
    "quantize": _with("quantize float.onnx --calibrate images.npz -o int8.onnx", _float_model,
                      earlier="quantize float.onnx --calibrate images.npz -o int8.onnx "
                              "--per-channel"),
    "models": _with("models lenet5 --onnx lenet5.onnx",
                    earlier="models lenet5 --onnx lenet5.onnx --seed 2"),
    "verilog": _with("verilog --array 4x4 -o machine.v",
                     earlier="verilog --array 4x8 -o machine.v"),
    "package": _with("package notes --array 4x4 -o package", wholes=("package",),
                     earlier="package notes --array 4x4 -o package --limit 1"),
    "hls": _with("hls notes --no-check -o hls", wholes=("hls",),
                 earlier="hls notes --no-check -o hls --limit 2"),
    "trace": _with("trace notes --layer 0 --array 4x4 --out out"),
    "fpga": _with("out", module="tests.killed.tools"),
    "bench": _with("bench golden --repeats 1 --out out", measures=True),
    "build": _with("out", module="tests.killed.builder", own_cache=True),
    "kernels": _with("out 2", _compiled_before, module="tests.killed.kernels", own_cache=True),
}  # fmt: skip
#: Those that two processes do at once on one cache, too.
TWO = ("build", "kernels")
