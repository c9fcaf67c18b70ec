"""Networks that people use, as PyTorch exports them: what runs where, and how exactly.

    python -m tests.support.zoo FOLDER [--forms s8,u8,qoperator,accel] [--rtl] [--report FILE]
                                [NAME ...]

FOLDER holds NAME.EXPORTER.onnx (float) and NAME.npz with ``images``, as an exporter of the zoo
writes them; no torch is needed.  Every file is quantised in the usual ways (kept beside it, so that
a second run takes minutes), imported, and computed by the golden model and by an exact session of
ONNX Runtime; with --rtl also by the simulated machine at 16x16, one image, every layer held against
the golden model and every counter against the cycle model.

What was measured is kept in FOLDER/measured.json with a hash of the project's sources: what the
same sources measured already is not measured again.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import time

import numpy as np
import onnx

import accel
from accel import frontend, golden, onnx_session
from accel.bench.header import header
from accel.bench.networks import differing
from accel.estimate import estimate
from accel.frontend import FloatModelError
from accel.frontend.onnx.prepare import quiet
from accel.frontend.onnx.quantize import Images, quantize
from accel.graph import ports
from accel.graph.ir import External
from accel.graph.macs import graph_macs

ROOT = pathlib.Path(__file__).parents[2]
IMAGES = 2
ARRAY = (16, 16)
#: How people quantise: by ONNX Runtime's quantize_static behind its quant_pre_process (form, type
#: of the activations), or by ``accel quantize --per-channel``.
FORMS = {"s8": ("QDQ", "QInt8"), "u8": ("QDQ", "QUInt8"), "qoperator": ("QOperator", "QUInt8"),
         "accel": None}  # fmt: skip


def images_of(path: pathlib.Path) -> np.ndarray:
    """The images that belong to a network's file."""
    return np.load(path.with_name(f"{path.name.split('.')[0]}.npz"))["images"]


def quantised(path: pathlib.Path, form: str) -> pathlib.Path:
    """The file in a form, made once."""
    target = path.with_name(f"{path.stem}.{form}.quantised")
    if not target.exists():
        made = target.with_suffix(".onnx")
        if FORMS[form] is None:
            quantize(path, made, images_of(path), per_channel=True)
        else:
            _by_onnxruntime(path, made, *FORMS[form])
        made.rename(target)
    return target


def _by_onnxruntime(path, target, form, activations) -> None:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = target.with_suffix(".prepared.onnx")
    with quiet():
        onnx.save(onnx.load(path), prepared)  # without files beside it, which the next line loses
        quant_pre_process(str(prepared), str(prepared), skip_symbolic_shape=True)
        name = onnx_session.session(prepared).get_inputs()[0].name
        quantization.quantize_static(
            str(prepared), str(target), Images({name: images_of(path)}),
            quant_format=quantization.QuantFormat[form], per_channel=True,
            activation_type=quantization.QuantType[activations],
            weight_type=quantization.QuantType.QInt8,
        )  # fmt: skip
    prepared.unlink()


def measure(path: pathlib.Path, form: str, rtl: bool) -> dict:
    """What becomes of one network in one form."""
    images = images_of(path)
    content = quantised(path, form).read_bytes()
    file = path.with_name(f"{path.stem}.{form}.measured.onnx")
    file.write_bytes(content)
    try:
        found = _golden(file, images[:IMAGES])
        return found | (_rtl(file, images[:1]) if rtl else {})
    finally:
        file.unlink()


def _golden(file, images) -> dict:
    try:
        session = onnx_session.session(file)
    except Exception as error:  # onnxruntime raises what it likes
        raise ValueError("ONNX Runtime refuses the file that its quantiser wrote") from error
    try:
        graph = frontend.load(file)
    except FloatModelError as error:
        raise ValueError("no layer is quantised in this form") from error
    name = session.get_inputs()[0].name
    theirs = zip(*(session.run(None, {name: image[None]}) for image in images), strict=True)
    theirs = list(map(np.concatenate, theirs))
    found = _compared(graph, images, theirs)
    if found["differ"]:
        exactly = _compared(frontend.load(file, exact=True), images, theirs)
        found["exact"] = {what: exactly[what] for what in ("share", "differ")}
    return found


def _compared(graph, images, theirs) -> dict:
    """What runs where, and the golden model's outputs beside ONNX Runtime's."""
    parts = [node for node in graph.nodes if isinstance(node, External)]
    machine, host = graph_macs(graph), sum(part.macs for part in parts)
    wanted = [port.tensor for port in graph.outputs]
    given = ports.read_inputs(graph, [images])
    ours = ports.outputs(graph, golden.run(graph, given, keep=wanted))
    differ, size, steps = 0, 0, 0.0
    for port, actual, expected in zip(graph.outputs, ours, theirs, strict=True):
        apart = np.abs(actual.astype(np.float64) - expected)
        differ, size = differ + int((apart > 0).sum()), size + expected.size
        scale = graph.tensors[port.tensor].scale if actual.dtype == np.float32 else 1
        steps = max(steps, float(apart.max() / (scale or 1)))
    return {
        "machine": len(graph.nodes) - len(parts), "share": machine / max(1, machine + host),
        "host": collections.Counter(part.op for part in parts).most_common(4),
        "differ": differ, "size": size, "steps": steps,
    }  # fmt: skip


def _rtl(file, image) -> dict:
    report = accel.run(str(file), image, array=ARRAY).report
    predicted = estimate(str(file), array=ARRAY, images=1)
    total = report["total"]
    return {
        "mismatches": total["mismatches"], "cycles": total["cycles"],
        "utilisation": total["utilisation"], "counters": differing(report, predicted),
    }  # fmt: skip


def sources() -> str:
    """A hash of what decides the results."""
    digest = hashlib.sha256()
    for path in sorted([*(ROOT / "accel").rglob("*.py"), *(ROOT / "rtl").rglob("*.py")]):
        if path.relative_to(ROOT).parts[1] not in ("cli", "report", "bench"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Measured:
    """What was measured, in a file."""

    def __init__(self, path: pathlib.Path):
        self._path, self._sources = path, sources()
        self._rows = json.loads(path.read_text()) if path.exists() else {}

    def get(self, stem: str, form: str, rtl: bool) -> dict | None:
        """A row that these sources made."""
        row = self._rows.get(f"{stem} {form}")
        if row and row["sources"] == self._sources and (not rtl or "cycles" in row):
            return row
        return None

    def put(self, stem: str, form: str, row: dict) -> dict:
        """Keep a row."""
        self._rows[f"{stem} {form}"] = row | {"sources": self._sources}
        self._path.write_text(json.dumps(self._rows, indent=1))
        return row


def line(stem: str, form: str, row: dict) -> str:
    """A line of the table."""
    name, _, exporter = stem.partition(".")
    begin = f"| {name} | {exporter} | {form} | "
    if "error" in row:
        return f"{begin}{row['error']} | | | | |"
    host = ", ".join(f"{count} x {op}" for op, count in row["host"]) or "-"
    if row["differ"]:
        exactly = row["exact"]
        exact = (f"{row['differ']:,} of {row['size']:,}, by up to {row['steps']:.3g} steps; with "
                 f"`--exact` {exactly['differ']:,}, and {exactly['share']:.1%} on the machine")
    else:
        exact = f"0 of {row['size']:,}"
    rtl = "| |"
    if "cycles" in row:
        rtl = (f"{row['mismatches']} bytes, {row['counters']} counters in {row['cycles']:,} cycles "
               f"| {row['utilisation']:.1%} |")  # fmt: skip
    return f"{begin}{row['share']:.1%} | {host} | {exact} | {rtl}"


def page(lines, command: str) -> str:
    """The report."""
    cpu = header("onnxruntime")
    return f"""# Networks that people use

`{command}`, {time.strftime("%Y-%m-%d")}, {cpu["machine"]["cpu"]}: networks with random weights as
PyTorch's old (`legacy`) and new (`dynamo`) exporter write them, quantised per channel in the usual
ways: `s8`, `u8` (QDQ) and `qoperator` (uint8) by ONNX Runtime's `quantize_static`, `accel` by
`accel quantize --per-channel`. *Machine* is the share of the multiply-accumulates that run there.
*Outputs that differ*: the golden model's, from an exact session of ONNX Runtime on the same file,
{IMAGES} images; where some do, also with `--exact`, by which the host has what may be a step off.
*RTL*: bytes of all layers that differ from the golden model's, and counters that differ from the
cycle model's, at {ARRAY[0]}x{ARRAY[1]}, one image; then the array's utilisation.

| network | exporter | form | machine | on the host | outputs that differ | RTL | utilisation |
|---|---|---|---:|---|---|---|---:|
""" + "".join(f"{one}\n" for one in lines)


def main() -> None:
    """Measure the networks of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", help="NAME or NAME.EXPORTER; by default all")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--rtl", action="store_true")
    parser.add_argument("--report", type=pathlib.Path, default=pathlib.Path("build/zoo.md"))
    given = parser.parse_args()
    stems = sorted(path.stem for exporter in ("legacy", "dynamo")
                   for path in given.folder.glob(f"*.{exporter}.onnx"))
    measured, lines = Measured(given.folder / "measured.json"), []
    for stem in stems:
        if given.names and not {stem, stem.split(".")[0]} & {*given.names}:
            continue
        for form in given.forms.split(","):
            row = measured.get(stem, form, given.rtl)
            if row is None:
                try:
                    row = measure(given.folder / f"{stem}.onnx", form, given.rtl)
                except Exception as error:  # one network must not end the others
                    text = " ".join(str(error).split()).replace("|", "/")[:200]
                    row = {"error": text}
                measured.put(stem, form, row)
            lines.append(line(stem, form, row))
            print(lines[-1], flush=True)
    command = f"python -m tests.support.zoo FOLDER --forms {given.forms}" + " --rtl" * given.rtl
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(page(lines, command), encoding="utf-8")


if __name__ == "__main__":
    main()
