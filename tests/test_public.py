"""What is public: importable from accel, documented by examples that run, typed, and one error."""

import ast
import doctest
import inspect
import pathlib
import pydoc
import subprocess
import sys

import numpy as np
import pytest

import accel
from accel import models
from accel.network.export import to_bytes

ROOT = pathlib.Path(__file__).parent.parent
CALLS = (
    "run", "golden_run", "estimate", "compile", "open_network", "quantize", "sweep", "progress_bar",
)  # fmt: skip
CLASSES = ("Params", "Memory", "Graph", "Result")
ERRORS = [name for name in accel.__all__ if name not in (*CALLS, *CLASSES)]
#: A user's program, with the types that it relies on.
PROGRAM = """
import numpy as np
import accel

images = np.zeros((1, 1, 28, 28), np.float32)
result: accel.Result = accel.run("mnist", images, machine="small", array=(4, 4),
                                 memory=accel.Memory(latency_cycles=8))
outputs: list[np.ndarray] = accel.golden_run("mnist", images)
for layer in result.layers:
    shape: tuple[int, ...] = layer.output.shape
tensor: np.ndarray = result.tensor("x")
report: dict[str, object] = accel.estimate("mnist", params=accel.Params(rows=8, cols=8))
graph: accel.Graph = accel.open_network("mnist")
with accel.progress_bar("mnist") as progress:
    result.dump(str(accel.estimate(graph, progress=progress)["network"]))
size: int = accel.compile(graph).memory_bytes
rows: list[dict[str, object]] = accel.sweep(graph, "out", axes={"latency": [1]})
try:
    quantised: accel.Graph = accel.quantize("f.onnx", images, "int8.onnx", method="entropy")
except (accel.ModelError, accel.AccelError) as error:
    print(error)
"""
#: What mypy says of mistakes in one.
MISTAKES = {
    'accel.run("mnist", batch="2")': "arg-type",
    'accel.estimate("mnist", aray=(4, 4))': "call-arg",
    "accel.Params(rows=8.5)": "arg-type",
    "accel.nonsense": None,
}
TYPED = ("__init__", "public", "result", "progress", "errors", "machines")


def test_the_names_are_there():
    assert {*CALLS, *CLASSES, "AccelError"} <= set(accel.__all__) <= set(dir(accel))
    text = pydoc.plain(pydoc.render_doc(accel))
    for name in accel.__all__:
        assert getattr(accel, name).__name__ == name
        assert name in text
    for name in (*CALLS, *CLASSES):
        assert f"accel.{name}" in accel.__doc__


def test_estimate_is_the_function_however_it_is_imported():
    code = (
        "import accel.estimate; from accel.estimate import estimate; import accel; "
        "assert accel.estimate is estimate is accel.estimate.estimate and callable(estimate)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def own_errors():
    """Every class of an error in the package's source, by module and name."""
    for folder in ("accel", "rtl", "models"):
        for path in (ROOT / folder).rglob("*.py"):
            if ROOT / "accel" / "docs" in path.parents:  # not installed
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                bases = [ast.unparse(base) for base in getattr(node, "bases", ())]
                if isinstance(node, ast.ClassDef) and any(
                    base.endswith(("Error", "Exception")) for base in bases
                ):
                    yield path.relative_to(ROOT), node.name, bases


def test_every_error_has_the_one_base_and_is_public():
    found = list(own_errors())
    assert len(found) > 15
    for path, name, _ in found:
        assert name in ERRORS, f"{path}: {name} is not importable from accel"
        assert issubclass(getattr(accel, name), accel.AccelError)
    assert issubclass(accel.ParamError, ValueError)  # as before there was a base class
    assert issubclass(accel.SimulationError, RuntimeError)


@pytest.mark.parametrize("name", [*CALLS, *CLASSES])
def test_docstrings_say_all_and_their_examples_run(name):
    thing = getattr(accel, name)
    text = inspect.getdoc(thing)
    if name in CALLS:
        signature = inspect.signature(thing)
        for part in ("Args:", "Raises:", "Returns:"):
            assert part in text, part
        for parameter in signature.parameters.values():
            assert parameter.annotation is not parameter.empty, parameter
            assert f"{parameter.name}" in text, parameter
        assert signature.return_annotation is not signature.empty
    (test,) = [one for one in doctest.DocTestFinder(recurse=False).find(thing, name, globs={})]
    assert test.examples, f"accel.{name} has no example"
    said = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


NOTES = np.zeros((1, 1, 6, 6), np.float32)
#: Calls that nobody means, the error's class, and what it says.
WRONG = [
    (lambda: accel.run("notes", NOTES, engine="x"), "ParamError", "engine must be one of auto, ve"),
    (lambda: accel.run("notes", limit="a"), "InputError", "limit must be an integer of at least 1"),
    (lambda: accel.estimate("notes", array=4), "ParamError", "array must be rows and columns, not"),
    (lambda: accel.estimate("notes", batch="2"), "InputError", "batch must be an integer of at le"),
    (lambda: accel.estimate("notes", search=None), "InputError", "search must be an integer of at"),
    (lambda: accel.estimate(None), "ModelError", "network must be a name, a path or a Graph, not "),
    (lambda: accel.estimate("notes", machine={}), "MachineFileError", "machine must be a name, a "),
    (lambda: accel.compile("notes", params=3), "ParamError", "params must be accel.Params, not 3"),
    (lambda: accel.estimate("notes", memory=5), "ParamError", "memory must be accel.Memory, not 5"),
    (lambda: accel.Memory(latency_cycles=-4), "ParamError", "latency_cycles must be an integer fr"),
    (lambda: accel.Params(cols=None), "ParamError", "cols must be a power of two from 4 to 128, n"),
    (lambda: accel.Params(rows=1 << 20000), "ParamError", "not an integer of 20001 bits"),
    (lambda: accel.sweep("notes", "x", arrays=[(4,)]), "ParamError", "array must be rows and colu"),
    (lambda: accel.sweep("notes", "x", arrays=[]), "SweepError", "the values of array must be at "),
    (lambda: accel.sweep("notes", "x", axes={"latency": 5}), "SweepError", "must be a list, not 5"),
    (lambda: accel.sweep("notes", "x", axes={"latency": ["a"]}), "SweepError", "must be an intege"),
    (lambda: accel.sweep("notes", "x", jobs=0), "SweepError", "jobs must be an integer of at leas"),
]


@pytest.mark.parametrize("call, kind, words", WRONG)
def test_what_nobody_means_is_one_of_the_packages_errors(call, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(getattr(accel, kind)) as error:
        call()
    assert words in str(error.value) and "\n" not in str(error.value)
    assert isinstance(error.value, accel.AccelError) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("output, changes, words", [
    ("no/o.onnx", {}, "no/o.onnx: cannot be written: there is no such folder"),
    (".", {}, "cannot be written: is a folder"),
    ("o.onnx", {"method": "best"}, "method must be one of minmax, entropy, percentile, not 'best'"),
    ("o.onnx", {"activations": "int4"}, "activations must be one of int8, uint8, not 'int4'"),
    ("o.onnx", {"form": "x"}, "form must be one of qdq, qoperator, not 'x'"),
])  # fmt: skip
def test_quantising_to_nowhere_or_in_no_known_way(tmp_path, monkeypatch, output, changes, words):
    monkeypatch.chdir(tmp_path)
    network = models.NETWORKS["notes"].build()
    network.initialise(1)
    pathlib.Path("f.onnx").write_bytes(to_bytes(network))
    with pytest.raises(accel.ModelError) as error:
        accel.quantize("f.onnx", NOTES, output, **changes)
    assert words in str(error.value)


def test_a_sweep_in_a_script_without_a_guard(tmp_path):
    """Its workers must not start the script again."""
    script = tmp_path / "script.py"
    script.write_text(
        "import accel\n"
        "rows = accel.sweep('notes', 'out', arrays=[(4, 4)], axes={'latency': [1, 2]})\n"
        "print([row['status'] for row in rows])\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "['ok', 'ok']\n"), done.stderr
    assert (tmp_path / "out" / "index.html").read_text().startswith("<!DOCTYPE html>")


def mypy(path, *more):
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent",
         "--ignore-missing-imports", "--no-error-summary", str(path), *map(str, more)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_the_public_surface_is_typed(tmp_path):
    assert (ROOT / "accel" / "py.typed").exists()
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    files = [ROOT / "accel" / f"{name}.py" for name in TYPED[:-1]]
    files += sorted((ROOT / "accel" / TYPED[-1]).glob("*.py"))
    assert mypy(path, *files) == []


def test_a_users_mistakes_are_found(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import accel\n\n" + "\n".join(MISTAKES) + "\n")
    said = mypy(path)
    for number, kind in enumerate(MISTAKES.values(), 3):
        lines = [line for line in said if f"wrong.py:{number}: error" in line]
        assert bool(lines) == (kind is not None)
        assert all(line.endswith(f"[{kind}]") for line in lines)


def test_the_layers_of_a_result():
    with np.load(models.BUILTIN["mnist"].inputs) as file:
        images = file["images"][:3]
    result = accel.run("mnist", images, array=(4, 4), batch=2)
    names = [row["name"] for row in result.report["layers"] if row["where"] != "host"]
    assert [layer.name for layer in result.layers] == names[: len(result.layers)]
    for layer in result.layers:
        assert layer.output.shape[0] == 3 and layer.output.dtype == np.int8
        assert np.array_equal(layer.output, layer.golden)
        assert np.array_equal(result.tensor(layer.tensor), layer.output)
        assert layer.counters["mismatches"] == 0 and layer.counters["where"] == layer.where
    fused = result.inside.graph.nodes[0].output
    assert fused not in {layer.tensor for layer in result.layers}
    assert np.array_equal(result.tensor(fused), result.inside.golden[fused])
    with pytest.raises(accel.InputError, match="tensor must be one of .*, not 'none'"):
        result.tensor("none")
    page = result._repr_html_()
    assert page.count("<tr>") == 1 + len(result.report["layers"])
    assert "3 images" in page and "0 bytes differ" in page and "Convolution28" in page
    assert "machine default: 4x4 array, 128 KiB of input buffer, 1024 acc" in page
