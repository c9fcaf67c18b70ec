"""How far other executions of ONNX Runtime are from the exact one: the figures of a page.

    python -m tests.support.avx2 -- python -m tests.support.exactness

prints the rows of reports/exactness.md.  It needs ../shared for mnist-8.
"""

import os
import pathlib
import tempfile

import numpy as np
import onnxruntime

import accel
from accel import models
from accel.frontend.onnx import quantize
from accel.network.export import to_bytes
from accel.onnx_session import session
from tests.support import shared


def other_session(model, *, optimised: bool = True, **entries) -> onnxruntime.InferenceSession:
    """A session that is not made to be exact: as by default, or with other options."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for name, value in entries.items():
        options.add_session_config_entry(f"session.{name}", value)
    given = model if isinstance(model, bytes) else os.fspath(model)
    return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])


def answers(runtime, images) -> np.ndarray:
    """The first output for every image."""
    name = runtime.get_inputs()[0].name
    return np.concatenate([runtime.run(None, {name: image[None]})[0] for image in images])


def compared(runtime, ours, images) -> tuple[float, int, int]:
    """Share of outputs that differ, the most steps by which one does, images of equal top-1."""
    theirs = answers(runtime, images)
    step = np.diff(np.unique(ours)).min()  # the outputs are integers times a scale
    most = round(float(np.abs(ours - theirs).max() / step))
    same = int((ours.argmax(1) == theirs.argmax(1)).sum())
    return float((ours != theirs).mean()), most, same


def mobilenet(folder: pathlib.Path, reduce_range: bool) -> tuple[pathlib.Path, np.ndarray]:
    """MobileNet v1 0.25 with random weights, quantised, and 16 images of coarse random squares."""
    net = models.NETWORKS["mobilenet"].build()
    net.initialise(1)
    (folder / "float.onnx").write_bytes(to_bytes(net))
    random = np.random.default_rng(1)
    coarse = random.standard_normal((16, 3, 8, 8)).repeat(12, axis=2).repeat(12, axis=3)
    images = (coarse + 0.2 * random.standard_normal(coarse.shape)).astype(np.float32)
    target = folder / "int8.onnx"
    quantize.quantize(folder / "float.onnx", target, images[:8], per_channel=True,
                      reduce_range=reduce_range)  # fmt: skip
    return target, images


def row(network, what, runtime, ours, images) -> None:
    """Print a row of the page's table."""
    share, steps, same = compared(runtime, ours, images)
    print(f"| {network} | {what} | {share:.0%} | {steps} | {same} of {len(images)} |")


def main() -> None:
    """Print the table's rows."""
    with tempfile.TemporaryDirectory() as folder:
        for reduce_range in (False, True):
            path, images = mobilenet(pathlib.Path(folder), reduce_range)
            [ours] = accel.golden_run(path, images)
            name = f"MobileNet, int8 QDQ{', `--reduce-range`' if reduce_range else ''}"
            row(name, "default", other_session(path), ours, images)
            row(name, "graph optimisations off", other_session(path, optimised=False), ours, images)
            row(name, "exact", session(path), ours, images)
    path = shared.need("models", "mnist8_QOperator_pt_QUInt8.onnx")
    images = np.load(shared.need("golden", "mnist8_QOperator_pt_QUInt8.ort.npz"))["input"][:100]
    [ours] = accel.golden_run(path, images)
    row("mnist-8, uint8 QOperator", "default", other_session(path), ours, images)
    row("mnist-8, uint8 QOperator", "exact", session(path), ours, images)


if __name__ == "__main__":
    main()
