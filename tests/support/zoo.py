"""Networks that people use, float files as PyTorch exports them: what runs where, and how exactly.

    python -m tests.support.zoo FOLDER [--report reports/zoo.md] [NAME ...]

FOLDER holds NAME.onnx and, with images in NAME.npz or in the .npz of the name's first part, what an
exporter writes (the zoo's own one does: NAME.legacy.onnx, NAME.dynamo.onnx, NAME.npz).  Each is
quantised (int8, per channel; NAME.int8.onnx beside it, made once), imported, and computed by the
golden model and by an exact session of ONNX Runtime, two images each.  No torch is needed.
"""

import argparse
import collections
import pathlib
import platform
import time

import numpy as np

from accel import frontend, golden, onnx_session
from accel.frontend.onnx.quantize import quantize
from accel.graph import ports
from accel.graph.ir import External
from accel.graph.macs import graph_macs

IMAGES = 2
HEAD = """# Networks that people use

`python -m tests.support.zoo FOLDER --report reports/zoo.md`, {date}, {machine}: random weights,
exported by PyTorch's old (`legacy`) or new (`dynamo`) exporter, quantised to int8 per channel as
`accel quantize` does, {images} images. *Machine* is the share of the multiply-accumulates that run
there. The outputs that differ are those of the golden model; the RTL is not run here. They are held
beside an exact session of ONNX Runtime on the same file.

| network | machine | nodes there | on the host | outputs that differ |
|---|---:|---:|---|---:|
"""


def images_of(path: pathlib.Path) -> np.ndarray:
    """The images that belong to a network's file."""
    for name in (path.stem, path.name.split(".")[0]):
        if (file := path.with_name(f"{name}.npz")).exists():
            return np.load(file)["images"]
    raise FileNotFoundError(f"{path}: no images in {path.stem}.npz")


def measure(path: pathlib.Path) -> dict:
    """What becomes of one network: the row of the report."""
    images = images_of(path)
    target = path.with_suffix(".int8.onnx")
    if not target.exists():
        quantize(path, target, images, per_channel=True)
    began = time.perf_counter()
    graph = frontend.load(target)
    seconds = time.perf_counter() - began
    parts = [node for node in graph.nodes if isinstance(node, External)]
    machine, host = graph_macs(graph), sum(part.macs for part in parts)
    wanted = [port.tensor for port in graph.outputs]
    given = ports.read_inputs(graph, [images[:IMAGES]])
    ours = ports.outputs(graph, golden.run(graph, given, keep=wanted))
    session = onnx_session.session(target)
    name = session.get_inputs()[0].name
    theirs = zip(*(session.run(None, {name: image[None]}) for image in images[:IMAGES]),
                 strict=True)
    differ = size = 0
    for actual, expected in zip(ours, map(np.concatenate, theirs), strict=True):
        differ, size = differ + int((actual != expected).sum()), size + expected.size
    return {
        "machine": len(graph.nodes) - len(parts), "share": machine / max(1, machine + host),
        "host": collections.Counter(part.op for part in parts), "seconds": seconds,
        "differ": differ, "size": size,
    }  # fmt: skip


def row(name: str, found: dict | str) -> str:
    """A line of the table."""
    if isinstance(found, str):
        return f"| {name} | {found} | | | |"
    host = ", ".join(f"{count} x {op}" for op, count in found["host"].most_common(4)) or "-"
    return (f"| {name} | {found['share']:.1%} | {found['machine']} | {host} | "
            f"{found['differ']:,} of {found['size']:,} |")


def main() -> None:
    """Measure all networks of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--report", type=pathlib.Path, default=pathlib.Path("build/zoo.md"))
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.glob("*.onnx")
                   if not path.name.endswith((".int8.onnx", ".s8.onnx")))  # fmt: skip
    files = [path for path in files if not arguments.names or path.stem in arguments.names
             or path.name.split(".")[0] in arguments.names]
    rows = []
    for path in files:
        try:
            found = measure(path)
        except Exception as error:  # one network must not end the others
            found = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        rows.append(row(path.stem, found))
        print(rows[-1], flush=True)
    text = HEAD.format(machine=platform.machine(), date=time.strftime("%Y-%m-%d"), images=IMAGES)
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(text + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
