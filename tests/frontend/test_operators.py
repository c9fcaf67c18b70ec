"""The page of operators is what the importers say, and what they say is what they do."""

import pathlib

import numpy as np
import pytest
from click.testing import CliRunner

from accel import frontend, golden, litert, onnx_session
from accel.cli import main
from accel.frontend import ModelError, notes
from accel.frontend.onnx import importer as onnx_importer
from accel.frontend.onnx import operators as of_onnx
from accel.frontend.tflite import importer as tflite_importer
from accel.frontend.tflite import operators as of_tflite
from accel.graph import ports
from accel.graph.ir import HostNode
from accel.report import operators
from tests.support import operator_files, tflite_operator_files
from tests.support.litert import answers, need
from tests.support.onnx_pairs import Net
from tests.support.tflite_models import Model

PAGE = pathlib.Path(__file__).parents[2] / "reports" / "operators.md"
#: Kinds of nodes by place: which must be there, and which may be beside.
_ADDRESSES = {"Slice", "Assemble", "Concat", "Reshape", "Pad", "Table", "reorder"}
_TWO = {"Add", "Sub", "Mul", "Max", "Min", "MaxPool", "AveragePool"}
KINDS = {
    "array": ({"Conv"}, {"Conv", *_ADDRESSES}), "window": (_TWO, {"Conv", *_TWO, *_ADDRESSES}),
    "table": ({"Table"}, {"Table", "Reshape"}), "bounds": ({"Conv"}, {"Conv"}),
    "addresses": (set(), _ADDRESSES), "border": (set(), {"Table", "Conv", "Reshape"}),
}  # fmt: skip


def lines(handlers):
    """All pairs of operators and notes."""
    return [(op, note) for op in sorted(handlers) for note in notes.notes(handlers[op], op)]


def kinds(graph) -> set[str]:
    """The kinds of a graph's nodes; a convolution that only reorders is called so."""
    return {"reorder" if node.op == "reorder" else type(node).__name__ for node in graph.nodes}


def hosted(graph) -> bool:
    return any(isinstance(node, HostNode) for node in graph.nodes)


def agrees(graph, place) -> bool:
    """Whether a network runs where a line says."""
    if place == "host":
        return hosted(graph)
    wanted, known = KINDS[place]
    found = kinds(graph)
    return found <= known and (not wanted or bool(found & wanted))


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == operators.page(), (
        "python -m accel.cli operators -o reports/operators.md")


@pytest.mark.parametrize("handlers", [onnx_importer.HANDLERS, tflite_importer.HANDLERS],
                         ids=["onnx", "tflite"])
def test_every_handler_has_a_note(handlers):
    missing = [op for op in handlers if not notes.notes(handlers[op], op)]
    assert not missing, "give their handlers @runs(place, exact, when)"


def test_notes_name_operators_of_their_handlers():
    for handlers in (onnx_importer.HANDLERS, tflite_importer.HANDLERS):
        for handler in handlers.values():
            for note in handler.notes:
                for op in note.of:
                    assert note in getattr(handlers[op], "notes", ()), op


def test_a_note_knows_its_words():
    with pytest.raises(ValueError, match="place must be one of .*, not 'moon'"):
        notes.Note("moon", notes.EXACT)
    with pytest.raises(ValueError, match="exact must be one of .*, not 'nearly'"):
        notes.Note("array", "nearly")


def test_every_line_has_a_file():
    assert not set(tflite_importer.HANDLERS) - set(tflite_operator_files.files())
    of_files = [one for line in operator_files.LINES for one in _notes(line)]
    assert sorted(lines(onnx_importer.HANDLERS), key=repr) == sorted(of_files, key=repr)


def _notes(line):
    """The notes that a line of files stands for: one, but for those that say the same."""
    op, place, *exact = line
    found = [note for note in notes.notes(onnx_importer.HANDLERS[op], op)
             if note.place == place and (not exact or note.exact == exact[0])]
    assert len({note.exact for note in found}) == 1, line
    return [(op, note) for note in found]


def oracle(net: Net, path):
    """The imported graph, the golden model's outputs, and ONNX Runtime's."""
    given = net.images(batch=1)
    graph = frontend.load(net.save(path))
    actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    return graph, actual, onnx_session.session(net.proto()).run(None, given)


@pytest.mark.parametrize("line", operator_files.LINES, ids=lambda line: "-".join(line))
def test_line_of_onnx(line, tmp_path):
    [(_, note), *_] = _notes(line)
    for build in operator_files.LINES[line]:
        graph, [actual], [expected] = oracle(build(), tmp_path)
        assert agrees(graph, note.place), kinds(graph)
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        assert len(np.unique(expected)) > 1
        off = np.abs(actual.astype(int) - expected.astype(int))
        assert off.max() <= (0 if note.exact in (notes.EXACT, notes.OWN) else 1)
        assert (off > 0).mean() <= 0.2


@pytest.mark.parametrize("op", operator_files.HOSTED)
def test_host_of_onnx(op, tmp_path):
    assert op in of_onnx.host()
    graph, [actual], [expected] = oracle(operator_files.HOSTED[op](), tmp_path)
    assert hosted(graph)
    np.testing.assert_array_equal(actual, expected)


def test_onnx_runtime_has_kernels_of_what_the_host_has():
    from onnx import defs
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    kernels = {kernel.op_name for kernel in runtime.get_all_opkernel_def()
               if kernel.provider == "CPUExecutionProvider" and not kernel.domain}
    without = {op for op in of_onnx.host() if op not in kernels}
    functions = {op for op in without if defs.get_schema(op).has_function
                 or defs.get_schema(op).has_context_dependent_function}
    assert without - functions == {"ImageDecoder"}


@pytest.mark.parametrize("op", ["RandomNormalLike", "RandomUniformLike", "Bernoulli"])
def test_random_numbers_are_refused(op, tmp_path):
    """Both witnesses would draw their own."""
    net = operator_files.floating(op)
    with pytest.raises(ModelError, match=r"op_node.*a network with random numbers is not a static"):
        frontend.load(net.save(tmp_path))
    assert op not in of_onnx.host()


@pytest.mark.parametrize(("op", "note"), lines(tflite_importer.HANDLERS),
                         ids=lambda value: getattr(value, "place", value))
def test_line_of_tflite(op, note, tmp_path):
    """Some file of the operator runs where the line says, with LiteRT's bytes."""
    need()
    path = tmp_path / "model.tflite"
    for content, inputs in tflite_operator_files.files()[op]:
        try:
            expected = [np.concatenate(each) for each in zip(*answers(content, inputs),
                                                             strict=True)]
        except litert.LiteRTError:
            continue
        path.write_bytes(content)
        graph = frontend.load(path)
        if not agrees(graph, note.place):
            continue
        actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
        for ours, theirs in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        return
    raise AssertionError("no file runs there")


HOST_FILES = sorted({*of_tflite.host()} & {*tflite_operator_files.files()})


@pytest.mark.parametrize("op", HOST_FILES)
def test_host_of_tflite(op, tmp_path):
    need()
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_operator_files.files()[op][0][0])
    with pytest.raises(ModelError, match="the machine has no such operator"):
        frontend.load(path, strict=True)


def test_many_of_the_hosts_have_files():
    assert len(HOST_FILES) >= 15
    assert len(operator_files.HOSTED) >= 35


def test_litert_has_kernels_of_what_the_host_has():
    need()
    without = []
    for op in of_tflite.host():
        model = Model()
        model.output(model.op(op, [model.input([1, 4, 4, 4])], [1, 4, 4, 4]))
        try:
            litert.Interpreter(model.content())
        except litert.LiteRTError as error:
            if "Didn't find op" in str(error):
                without.append(op)
    assert without == ["CONCAT_EMBEDDINGS"]


def call(*given):
    return CliRunner().invoke(main, ["operators", *map(str, given)])


def test_command(tmp_path):
    assert call("-o", tmp_path / "page.md").exit_code == 0
    assert (tmp_path / "page.md").read_text() == PAGE.read_text()
    done = call("resize")
    assert done.exit_code == 0
    assert [line.split(" | ")[0] for line in done.output.splitlines()] == [
        "| Resize", "| Resize", "| RESIZE_BILINEAR", "| RESIZE_NEAREST_NEIGHBOR"]
    assert "| Loop | refused | control flow |" in call("Loop").output
    done = call("nosuch")
    assert done.exit_code == 2
    assert "no operator of ONNX or TFLite has 'nosuch' in its name" in done.output
