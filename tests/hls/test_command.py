"""``accel hls``: networks end to end, what it refuses, and the folder that it leaves."""

import json
import re
import shutil
import subprocess

import click.testing
import numpy as np
import pytest

import accel
from accel import golden, hls, models
from accel.cli import main
from accel.graph.check import check as check_graph
from accel.graph.ir import Graph, LocalResponse, Port, Softmax, Table, Tensor
from accel.graph.ports import InputError
from accel.hls import emit
from accel.hls.check import FLAGS, check
from tests.hls.support import compiler, strict
from tests.support import graphs, networks

FILES = {
    "Makefile", "README.md", "expected.bin", "expected.h", "export.json", "input.bin", "layers.h",
    "network.cpp", "network.h", "parameters.bin", "run.tcl", "testbench.cpp", "weights.bin",
}  # fmt: skip


def call(*arguments):
    return click.testing.CliRunner().invoke(main, ["hls", *map(str, arguments)])


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def small(tmp_path, seed=1, **options):
    """A small network in the folder ``out``, not compiled."""
    graph = networks.residual(np.random.default_rng(seed), 6, 4)
    images = graphs.random_images(np.random.default_rng(seed), (6, 6, 3), 1)
    return graph, hls.export(graph, tmp_path / "out", images, checked=False, **options)


@pytest.mark.parametrize(
    "name, note",
    [("lenet5", ""), ("resnet8", "Identity (softmax)"), ("kws", "op12_SOFTMAX (softmax)"),
     ("mobilenet", "")],
)  # fmt: skip
def test_a_network_agrees_with_golden_in_every_byte(tmp_path, name, note):
    compiler()
    done = call(name, "-o", tmp_path / "out", "--limit", 2)
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "out") == FILES
    assert ("not in the C++: " + note in done.output) == bool(note)
    assert f"Left to the host, behind the output: {note}" in (
        tmp_path / "out" / "network.h").read_text() or not note
    total = next(line.split() for line in done.output.splitlines() if line.split()[:1] == ["total"])
    assert total[2] == "0"
    assert "2 images" in done.output
    assert (tmp_path / "out" / "network.cpp").read_text().count("layers::observe(") > 6


def test_images_of_ones_own(tmp_path):
    compiler()
    with np.load(models.BUILTIN["lenet5"].inputs) as file:
        images = file["images"][3:5]
    np.savez(tmp_path / "two.npz", images=images)
    done = call("lenet5", "-o", tmp_path / "out", "--input", tmp_path / "two.npz", "--limit", 5)
    assert done.exit_code == 0, done.output
    expected = np.fromfile(tmp_path / "out" / "expected.bin", np.int8).reshape(2, -1)
    scores = accel.golden_run("lenet5", images)[0]
    assert (expected[:, -10:].argmax(axis=1) == scores.argmax(axis=1)).all()


def test_a_file_needs_no_images(tmp_path):
    compiler()
    done = call(models.BUILTIN["kws"].network, "-o", tmp_path / "out", "--limit", 2)
    assert done.exit_code == 0, done.output
    assert "random bytes as images, seed 1" in done.output
    assert "random bytes as images" in (tmp_path / "out" / "README.md").read_text()
    given = np.fromfile(tmp_path / "out" / "input.bin", np.int8)
    assert given.size == 2 * 490 and len(np.unique(given)) > 200


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_names_the_layer_with_a_wrong_byte(tmp_path):
    compiler()
    graph, report = small(tmp_path)
    folder = tmp_path / "out"
    assert subprocess.run(["make", "-s", "test"], cwd=folder, check=False).returncode == 0
    sizes = [graph.tensors[node.output].size for node in graph.nodes]
    wrong = 3
    expected = np.fromfile(folder / "expected.bin", np.uint8)
    expected[sum(sizes[:wrong]) + 5] ^= 1
    expected.tofile(folder / "expected.bin")
    done = subprocess.run(["make", "-s", "test"], cwd=folder, check=False, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode != 0
    rows = [line.split() for line in done.stdout.splitlines()[1 : len(sizes) + 1]]
    assert [row[-1] for row in rows] == [str(int(n == wrong)) for n in range(len(sizes))]
    assert rows[wrong][0] == report["layers"][wrong]["name"]
    # The next export knows that somebody changed a file.
    with pytest.raises(InputError, match=r"out: expected.bin was changed after accel hls wrote it"):
        small(tmp_path)


def test_a_difference_is_exit_code_1(tmp_path, monkeypatch):
    compiler()
    run = golden.run

    def wrong(graph, images):
        tensors = run(graph, images)
        tensors[graph.nodes[1].output][0, 0, 0, 0] ^= 1
        return tensors

    monkeypatch.setattr(golden, "run", wrong)
    done = call("notes", "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "1 bytes differ from golden" in done.output
    row = next(line.split() for line in done.output.splitlines() if "sigmoid1" in line)
    assert row[-1] == "1"


def test_compiled_only_for_the_output_without_an_observer(tmp_path):
    """What a synthesis tool compiles has no observer, and no function of that name is called."""
    _, report = small(tmp_path)
    plain = [flag for flag in FLAGS if "OBSERVE" not in flag]
    program = tmp_path / "testbench"
    subprocess.run([compiler(), *plain, "-Werror", "network.cpp", "testbench.cpp", "-o", program],
                   cwd=tmp_path / "out", check=True)  # fmt: skip
    done = subprocess.run([program, tmp_path / "out"], check=True, capture_output=True, text=True)
    last = [line.split()[-1] for line in done.stdout.splitlines()[1 : len(report["layers"]) + 1]]
    assert last == ["-"] * (len(last) - 1) + ["0"]
    symbols = subprocess.run([compiler(), *plain, "-S", "network.cpp", "-o", "-"],
                             cwd=tmp_path / "out", check=True, capture_output=True, text=True)
    assert "observe" not in symbols.stdout


def test_a_testbench_without_its_files(tmp_path):
    _, report = small(tmp_path)
    (tmp_path / "out" / "weights.bin").write_bytes(bytes(7))
    with pytest.raises(Exception, match=r"weights.bin: must have \d+ elements, not 7"):
        check(tmp_path / "out", len(report["layers"]), compiler())


def test_no_compiler_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    done = call("lenet5", "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert "Error: nothing was compared: no C++ compiler" in done.output
    assert names(tmp_path / "out") == FILES
    done = call("lenet5", "-o", tmp_path / "out", "--no-check")
    assert done.exit_code == 0
    assert "not compiled and not compared: not asked for" in done.output


def test_brackets_and_colons_stay_as_they_are(tmp_path):
    done = call("lenet5", "-o", tmp_path / "a[/b] :car: [red]c", "--no-check")
    assert done.exit_code == 0, done.output
    assert f"C++ in {tmp_path / 'a[/b] :car: [red]c'}:" in done.output


def test_a_folder_called_like_the_program_stays(tmp_path):
    small(tmp_path)
    (tmp_path / "out" / "testbench").mkdir()
    with pytest.raises(InputError, match="must be new, empty or an export .* holds 'testbench'"):
        small(tmp_path)


def test_links_in_a_circle_are_one_line(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = call("lenet5", "-o", tmp_path / "loop")
    assert done.exit_code == 2
    assert "loop: cannot be used" in done.output


def test_too_many_images_are_one_line():
    done = call("lenet5", "--limit", 10**12)
    assert done.exit_code == 2
    assert "--limit" in done.output


def behind_a_table(make, shape=(3, 2, 12)):
    """A network: a table, what ``make`` makes of two tensors, and another table."""
    random = np.random.default_rng(3)
    tensors = [Tensor("in", shape, 0.04, 7), Tensor("a", shape, 0.05, -3),
               Tensor("b", shape, 1 / 256, -128), Tensor("out", shape, 0.1, 0)]  # fmt: skip
    first, last = random.integers(-128, 128, (2, 256), dtype=np.int8)
    nodes = (Table("first", "in", "a", first), make("a", "b"), Table("last", "b", "out", last))
    ports = [(Port(name, name, shape, "HWC", "int8"),) for name in ("in", "out")]
    return check_graph(Graph("tables", {one.name: one for one in tensors}, nodes, *ports))


@pytest.mark.parametrize("make", [
    lambda x, y: Softmax("middle", x, y, "float"), lambda x, y: Softmax("middle", x, y, "table"),
    lambda x, y: LocalResponse("middle", x, y, 4, 0.3, 0.6, 1.5),
], ids=["softmax", "table", "lrn"])  # fmt: skip
def test_layers_of_the_host(tmp_path, make):
    images = np.random.default_rng(4).integers(-128, 128, (9, 3, 2, 12), dtype=np.int8)
    hls.export(behind_a_table(make), tmp_path / "out", images, limit=9, checked=False)
    assert check(tmp_path / "out", 3, compiler(), strict()).differing == [0, 0, 0]
    # Three steps more than expected in one byte of the host's layer: only there it differs.
    expected = np.fromfile(tmp_path / "out" / "expected.bin", np.int8)
    expected[72 + 5] += 3 if expected[72 + 5] < 100 else -3
    expected.tofile(tmp_path / "out" / "expected.bin")
    assert check(tmp_path / "out", 3, compiler()).differing[1] == 1


def test_what_no_header_has_must_be_last(tmp_path):
    with pytest.raises(ValueError, match=r"^tables: node 'middle' \(softmax\): only the host's "
                       r"runtime .* not before node 'last' \(table\)$"):  # fmt: skip
        hls.export(behind_a_table(lambda x, y: Softmax("middle", x, y, "integer", 1 << 30)),
                   tmp_path / "out")  # fmt: skip


@pytest.mark.parametrize("network", ["alexnet", "googlenet"])
def test_layers_of_the_host_in_the_middle(tmp_path, network):
    """Local response normalisation runs between top functions, outside what is synthesised."""
    report = hls.export(network, tmp_path / "out", limit=1)
    if "skipped" in report["check"]:
        pytest.skip(report["check"]["skipped"])
    assert report["total"]["differing"] == 0
    hosted = [layer for layer in report["layers"] if layer["where"] == "host"]
    assert [layer["op"] for layer in hosted] == ["lrn", "lrn"]
    assert report["left_out"] == []
    synthesised = (tmp_path / "out" / "network.cpp").read_text()
    assert "host::" not in synthesised
    tops = re.findall(r'extern "C" void (\w+)\(', synthesised)
    assert tops == [f"{network}_top_{number}" for number in (1, 2, 3)]
    whole = (tmp_path / "out" / "host.cpp").read_text()
    calls = re.findall(r"\w+_top_\d(?=\()|host::\w+(?=<)", whole)
    lrn = "host::local_response"
    assert calls == [tops[0], lrn, tops[1], lrn, tops[2]]
    assert "host.cpp" in (tmp_path / "out" / "README.md").read_text()


def test_a_network_of_the_host_alone(tmp_path):
    graph = graphs.random_local_response(np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"single: .* must have a layer .* not only 'lrn'"):
        hls.export(graph, tmp_path / "out", graphs.random_images(np.random.default_rng(1), (2, 2)))


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["none.onnx"], "none.onnx"),
        (["lenet5", "--input", "none.npz"], "none.npz: is not a readable .npz file"),
        (["lenet5", "--limit", "0"], "--limit"),
    ],
)
def test_mistakes(tmp_path, arguments, words):
    done = call(*arguments, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert words in done.output
    assert names(tmp_path) == set()


def test_a_folder_of_somebody_else_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("precious")
    done = call("notes", "-o", tmp_path / "out", "--no-check")
    assert done.exit_code == 2
    assert "must be new, empty or an export of accel hls, but holds 'thesis.tex'" in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert names(tmp_path) == {"out"} and names(tmp_path / "out") == {"thesis.tex"}
    assert call("notes", "-o", tmp_path / "out" / "thesis.tex", "--no-check").exit_code == 2


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (".", ".."):
        done = call("notes", "-o", folder, "--no-check")
        assert done.exit_code == 2
        assert f"{folder}: must not be the current folder" in done.output
    assert call("notes", "--no-check").exit_code == 0
    assert names(tmp_path) == {"hls_notes"}


@pytest.mark.parametrize("manifest", ["{}", "no json", "[]", '{"generator": "accel hls"}'])
def test_a_manifest_that_is_not_ours(tmp_path, manifest):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "export.json").write_text(manifest)
    with pytest.raises(InputError, match="must be new, empty or an export"):
        small(tmp_path)
    assert names(tmp_path / "out") == {"export.json"}


def test_export_again(tmp_path):
    small(tmp_path)
    folder = tmp_path / "out"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "testbench").write_bytes(b"what make left")
    small(tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    small(tmp_path, seed=2)
    assert (folder / "weights.bin").read_bytes() != before["weights.bin"]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds 'notes.txt'"):
        small(tmp_path)
    assert names(tmp_path) == {"out"}


@pytest.mark.parametrize("mishap", [KeyboardInterrupt, OSError("disk full")])
def test_what_is_interrupted_leaves_nothing(tmp_path, monkeypatch, mishap):
    def fail(net):
        raise mishap

    with monkeypatch.context() as patched:
        patched.setattr(emit, "network_cpp", fail)
        with pytest.raises((KeyboardInterrupt, InputError)):
            small(tmp_path)
    assert names(tmp_path) == set()
    small(tmp_path)
    before = (tmp_path / "out" / "export.json").read_bytes()
    monkeypatch.setattr(emit, "network_cpp", fail)
    with pytest.raises((KeyboardInterrupt, InputError)):
        small(tmp_path, seed=2)
    assert names(tmp_path) == {"out"} and names(tmp_path / "out") == FILES
    assert (tmp_path / "out" / "export.json").read_bytes() == before


def test_the_report_and_the_manifest(tmp_path):
    graph, report = small(tmp_path)
    manifest = json.loads((tmp_path / "out" / "export.json").read_text())
    assert set(manifest["sha256"]) == FILES - {"export.json"}
    assert report["check"] == {"skipped": "not asked for"}
    assert report["total"]["macs"] == networks.macs(graph) == manifest["total"]["macs"]
    for name in ("weights", "parameters", "input"):
        assert (tmp_path / "out" / f"{name}.bin").stat().st_size == report["bytes"][name]


def test_the_synthesised_files_keep_to_what_hls_takes(tmp_path):
    small(tmp_path)
    folder = tmp_path / "out"
    text = "".join((folder / name).read_text() for name in ("layers.h", "network.h", "network.cpp"))
    includes = set(re.findall(r"#include (\S+)", text))
    assert includes == {"<cmath>", "<cstdint>", '"layers.h"', '"network.h"'}
    code = re.sub(r"//.*", "", text)
    for word in ("new", "delete", "malloc", "double", "throw", "goto", "while", "std::vector"):
        assert not re.search(rf"\b{word}\b", code), word
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
