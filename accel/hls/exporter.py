"""Export a network: write its folder, then compile and run what was written."""

import os
import pathlib
import shutil
from collections.abc import Callable, Mapping

import numpy as np

from accel import golden, models, opening
from accel.graph import ports
from accel.graph.ir import Graph
from accel.graph.ports import InputError
from accel.hls import emit, pages
from accel.hls.check import check
from accel.hls.network import Network, describe
from accel.hls.split import on_host
from accel.own_folder import Kind, check_ours, replacing, write_manifest
from accel.sim.engine import SimulationError
from accel.sim.toolchain import find_compiler

#: What an export is called; `make` leaves the testbench there.
FOLDER = Kind("accel hls", "an export", "export.json", frozenset({"testbench"}))
#: Written by hand, the same in every export.
LIBRARY = ("layers.h", "testbench.cpp")
#: In those with layers of the host in the middle, besides.
HOST_LIBRARY = ("host.h",)
#: Of images for a network that brings none along.
SEED = 1
_HERE = pathlib.Path(__file__).parent
Progress = Callable[[str, float], None]


def export(
    model: str | os.PathLike | Graph,
    folder: str | os.PathLike,
    inputs=None,
    *,
    limit: int = 1,
    checked: bool = True,
    progress: Progress | None = None,
) -> dict:
    """Write a network as C++ into ``folder``, and compare it with the golden model.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph.
        folder: is made; may be empty or an earlier export that nobody changed.
        inputs: images along the first axis in the model's own layout and dtype (a list of arrays
            for several inputs); a built-in network has its own, another one takes random bytes.
        limit: use only the first images.
        checked: compile the C++ and run it, if there is a compiler.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        A report: ``network``, ``images``, ``layers`` [{name, op, where, output_shape, macs,
        differing}] (bytes over all images, None if not compared; of the ``host``'s float layers
        those more than a step off), ``total`` {macs, differing}, ``bytes``
        {input, output, memory, weights, parameters}, ``left_out`` [{name, op}] and ``check``
        {compiler, compile_seconds, network_seconds} or, if there was none, {skipped: why};
        ``weights`` and ``inputs`` say where these are random.

    Raises:
        InputError: the images, or the folder, do not fit.
        accel.frontend.ModelError, accel.graph.ir.GraphError: naming file, node and rule.
        accel.sim.engine.SimulationError: the compiler refused the C++.
    """
    tell = progress or (lambda stage, share: None)
    if limit < 1:
        raise InputError(f"limit must be at least 1, not {limit}")
    folder = pathlib.Path(folder)
    check_ours(folder, FOLDER)
    graph = opening.open_network(model)
    net = describe(graph)
    images, notes = _images(model, graph, inputs, limit)
    tell("golden model", 0.2)
    expected = golden.run(graph, images)
    tell("writing", 0.5)
    notes = opening.origin(model) | notes
    report = _report(net, len(next(iter(images.values())))) | notes
    with replacing(folder, FOLDER) as new:
        write(net, expected, notes, new)
        write_manifest(new, FOLDER, report)
    tell("compiling and comparing", 0.6)
    return report | _compared(report, folder, checked)


def _images(model, graph: Graph, inputs, limit: int) -> tuple[dict[str, np.ndarray], dict]:
    """int8 images by input tensor, and what a report says of images that nobody gave."""
    if inputs is None and isinstance(model, str) and model in {**models.NETWORKS, **models.BUILTIN}:
        inputs, _, notes = opening.own_images(model, graph, limit)
    elif inputs is None:
        rng = np.random.default_rng(SEED)
        shapes = {port.tensor: graph.tensors[port.tensor].shape for port in graph.inputs}
        images = {name: rng.integers(-128, 128, (limit, *shape), dtype=np.int8)
                  for name, shape in shapes.items()}
        return images, {"inputs": f"random bytes as images, seed {SEED}"}
    else:
        notes = {}
    images = ports.read_inputs(graph, inputs)
    return {name: values[:limit] for name, values in images.items()}, notes


def write(net: Network, tensors: Mapping[str, np.ndarray], notes: Mapping[str, str],
          folder: pathlib.Path) -> None:
    """Write everything but the manifest.

    Args:
        net: the network.
        tensors: every tensor of some images, as accel.golden.run gives them.
        notes: what README.md tells of weights or images that are random.
        folder: an empty folder.
    """
    for name in LIBRARY + HOST_LIBRARY * net.part.hosted:
        shutil.copyfile(_HERE / name, folder / name)
    images = len(tensors[net.part.inputs[0]])
    texts = {
        "network.h": emit.network_h(net), "network.cpp": emit.network_cpp(net),
        "expected.h": emit.expected_h(net, images), "README.md": pages.readme(net, images, notes),
        "Makefile": pages.makefile(net), "run.tcl": pages.run_tcl(net),
    }  # fmt: skip
    if net.part.hosted:
        texts["host.cpp"] = emit.host_cpp(net)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    outputs = [layer.node.output for layer in net.layers]
    files = {
        "weights.bin": net.constants.weights, "parameters.bin": net.constants.parameters,
        "input.bin": _rows(tensors, net.part.inputs), "expected.bin": _rows(tensors, outputs),
    }  # fmt: skip
    for name, values in files.items():
        with (folder / name).open("wb") as file:
            file.write(np.ascontiguousarray(values).data)


def _rows(tensors: Mapping[str, np.ndarray], names) -> np.ndarray:
    """Bytes of some tensors, one behind the other, image by image."""
    parts = [tensors[name] for name in names]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _report(net: Network, images: int) -> dict:
    return {
        "network": net.part.graph.name,
        "images": images,
        "layers": [
            {"name": layer.node.name, "op": layer.node.op,
             "where": "host" if on_host(layer.node) else "hls",
             "output_shape": list(layer.target.shape), "macs": images * layer.macs,
             "differing": None}
            for layer in net.layers
        ],
        "total": {"macs": images * net.macs, "differing": None},
        "bytes": {**net.plan.sizes, "weights": net.constants.weights.nbytes,
                  "parameters": net.constants.parameters.nbytes},
        "left_out": [{"name": node.name, "op": node.op} for node in net.part.left_out],
    }  # fmt: skip


def _compared(report: dict, folder: pathlib.Path, wanted: bool) -> dict:
    """What compiling and running an export adds to its report."""
    if not wanted:
        return {"check": {"skipped": "not asked for"}}
    try:
        compiler = find_compiler()
    except SimulationError as error:
        return {"check": {"skipped": str(error)}}
    found = check(folder, len(report["layers"]), compiler)
    rows = zip(report["layers"], found.differing, strict=True)
    return {
        "layers": [{**layer, "differing": count} for layer, count in rows],
        "total": {**report["total"], "differing": sum(found.differing)},
        "check": {"compiler": compiler, "compile_seconds": found.compile_seconds,
                  "network_seconds": found.network_seconds},
    }  # fmt: skip
