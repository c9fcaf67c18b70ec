"""Every layer in files, and somebody else's files held against them."""

import json
import re
import shutil

import click.testing
import numpy as np
import pytest

import accel
from accel import golden
from accel.cli import main
from accel.dump import compare, hexfile, nodes, sums
from accel.graph.ports import InputError
from tests.support.networks import Builder


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def dumped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dump") / "mnist"
    result = accel.run("mnist", array=(4, 4), limit=2, batch=2)
    result.dump(folder)
    return folder, json.loads((folder / "index.json").read_text()), result


def test_every_layer_has_all_that_it_is_made_of(dumped):
    folder, index, result = dumped
    assert index["network"] == "mnist" and index["word_bytes"] == 16
    assert index["machine"]["params"]["rows"] == 4
    graph = result.inside.graph
    assert [layer["name"] for layer in index["layers"]] == [node.name for node in graph.nodes]
    for layer, node in zip(index["layers"], graph.nodes, strict=True):
        (output,) = layer["outputs"]
        assert np.array_equal(np.load(folder / output["npy"]), result.inside.golden[node.output])
        if output["rtl"]:
            stored = np.load(folder / output["rtl"]["npy"])
            assert np.array_equal(stored, result.tensor(node.output))
        for array in (*layer["inputs"], *layer["parameters"].values(), output):
            values = np.load(folder / array["npy"])
            text = (folder / array["hex"]).read_text()
            again = hexfile.read(text, values.dtype, values.size, 16, "x")
            assert np.array_equal(again.reshape(values.shape), values)
    conv = index["layers"][0]
    assert conv["parameters"].keys() == {"weights", "bias", "multiplier", "shift"}
    assert np.array_equal(np.load(folder / conv["parameters"]["bias"]["npy"]), graph.nodes[0].bias)


def test_streams_are_what_the_machine_reads(dumped):
    folder, index, result = dumped
    program = result.inside.batches[0].program
    stream = index["layers"][0]["streams"][0]
    values = hexfile.read((folder / stream["hex"]).read_text(), np.uint8, stream["bytes"], 16, "x")
    assert np.array_equal(values, program.image[stream["address"] :][: stream["bytes"]])
    # The parameter record begins with the low bytes of the biases of the first C channels.
    bias = np.load(folder / index["layers"][0]["parameters"]["bias"]["npy"])
    zero = index["layers"][0]["inputs"][0]["zero_point"]
    weights = np.load(folder / index["layers"][0]["parameters"]["weights"]["npy"]).astype(int)
    folded = bias[:4] - zero * weights[:4].sum(axis=(1, 2, 3))
    assert values[:4].tolist() == (folded & 255).tolist()


def test_a_dump_agrees_with_itself_and_not_with_a_byte_changed(dumped, tmp_path):
    folder, index, _ = dumped
    same = call("compare", folder, folder)
    assert (same.exit_code, "0 differ" in same.output) == (0, True)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    path = other / index["layers"][1]["outputs"][0]["rtl"]["npy"]
    values = np.load(path)
    before = int(values[1, 2, 3, 4])
    values[1, 2, 3, 4] ^= 1
    np.save(path, values)
    done = call("compare", folder, other)
    assert done.exit_code == 1
    *_, line = done.output.splitlines()
    name = index["layers"][1]["name"]
    assert line == (
        f"Error: {name}: 1 of {values.size} differ in {path}; the first at image 1, row 2, "
        f"column 3, channel 4: {before} expected, {before ^ 1} found"
    )
    assert "window of 4 elements: " in done.output


@pytest.mark.parametrize("kind, at", [
    ("input", "image 0, row 1, column 0, channel 0"), ("bias", "index 0 1"),
    ("weights", "output 1, ky 0, kx 0, input 0"), ("stream", "byte 25"),
])  # fmt: skip
def test_a_change_of_any_file_is_found(dumped, tmp_path, kind, at):
    folder, index, _ = dumped
    layer = index["layers"][0]
    about = {"input": layer["inputs"][0], "stream": layer["streams"][0]}.get(kind)
    about = about or layer["parameters"][kind]
    path = tmp_path / about["hex"]
    path.parent.mkdir()
    text = (folder / about["hex"]).read_text().splitlines()
    digits = list(text[1])  # of the second word; of bias and weights the last digits are the lowest
    place = {"input": -26, "weights": -20, "stream": -19, "bias": -1}[kind]
    digits[place] = "0" if digits[place] != "0" else "1"
    path.write_text("\n".join([text[0], "".join(digits), *text[2:]]))
    done = call("compare", folder, tmp_path)
    assert done.exit_code == 1
    assert f"the first at {at}" in done.output


def test_the_outputs_of_somebody_else(dumped, tmp_path):
    folder, index, _ = dumped
    layer, last = index["layers"][1], index["layers"][-1]
    values = np.load(folder / layer["outputs"][0]["npy"])
    np.save(tmp_path / f"{layer['name']}.npy", values.astype(np.int32))  # any integers
    last_values = np.load(folder / last["outputs"][0]["npy"])
    words = [f"{int(one) & 255:02x}" for one in last_values.reshape(-1)]
    lines = ["".join(reversed(words[n : n + 16])) for n in range(0, len(words), 16)]
    text = "// mine\n@0\n" + "\n".join(lines).upper()
    (tmp_path / f"{last['outputs'][0]['tensor'].replace('/', '_')}.hex").write_text(text)
    found = compare(folder, tmp_path)
    assert (found.files, found.differences) == (2, [])
    assert found.layers == [layer["name"], last["name"]]
    assert len(found.missing) == len(index["layers"]) - 2
    done = call("compare", folder, tmp_path)
    assert done.exit_code == 0 and f"not in {tmp_path}: " in done.output
    np.save(tmp_path / f"{layer['name']}.npy", values[:, :-1])
    with pytest.raises(InputError, match=r"Pooling66.npy: must have shape \(2, 14, 14, 8\), not"):
        compare(folder, tmp_path)


@pytest.mark.parametrize("text, message", [
    ("00\nxx\n", "x.hex: word 1 must be hexadecimal digits of 2 bytes, not 'xx'"),
    ("12345\n", "x.hex: word 0 must be hexadecimal digits of 2 bytes, not '12345'"),
    ("@zz\n", "x.hex: word 0 must be hexadecimal digits of 2 bytes, not '@zz'"),
    ("1\n2\n", "x.hex: must have 3 words, not 2"),
    ("1 2 3 4", "x.hex: must have 3 words, has more"),
])  # fmt: skip
def test_bad_hex_files(text, message):
    with pytest.raises(InputError, match=re.escape(message)):
        hexfile.read(text, np.int8, 5, 2, "x.hex")


def test_hex_words():
    values = np.array([1, -1, 2, 3, 4], np.int8)
    assert hexfile.words(values, 2) == "ff01\n0302\n0004\n"
    assert hexfile.words(np.array([-2, 7], np.int32), 16) == "fffffffe\n00000007\n"


def test_nothing_to_compare(dumped, tmp_path):
    folder, _, _ = dumped
    for arguments, message in (
        ((folder, tmp_path), "has no file of a layer, for example Convolution28.npy"),
        ((folder, tmp_path / "none"), "must be a folder with the outputs of layers"),
        ((tmp_path, folder), "index.json: must be the index of a dump"),
    ):
        done = call("compare", *arguments)
        assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
        assert message in done.output


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    done = call("run", "notes", "--array", "4x4", "--limit", 1, "--dump", tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path}: must be new, empty or of an earlier --dump, but holds 'mine.txt'" in (
        done.output
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_run_writes_and_replaces_a_dump_with_a_named_machine(tmp_path):
    arguments = ("run", "notes", "--machine", "small", "--array", "4x4", "--limit", 1, "--engine",
                 "pysim", "--dump", tmp_path / "d", "--out", tmp_path / "out")  # fmt: skip
    for _ in range(2):
        assert call(*arguments).exit_code == 0
    done = call("compare", tmp_path / "d", tmp_path / "d")
    assert done.exit_code == 0, done.output
    assert "of 6 layers" in done.output


def totals(graph, images):
    """Of elements of each layer: the sum that is explained, the layer, and the golden byte."""
    rng = np.random.default_rng(1)
    tensors = golden.run(graph, images)
    for node in graph.nodes:
        layer = {
            "op": node.op, "attributes": json.loads(json.dumps(nodes.attributes(node))),
            "inputs": [{"zero_point": graph.tensors[name].zero_point} for name in node.inputs],
        }  # fmt: skip
        output = tensors[node.output]
        for _ in range(4):
            at = tuple(int(rng.integers(size)) for size in output.shape)
            inputs = [tensors[name] for name in node.inputs]
            lines = sums.explain(layer, inputs, nodes.arrays(node), at)
            (exact,) = re.findall(r"= (-?[0-9.]+), rounded", lines[-1])
            yield node, float(exact), int(output[at])


def test_the_sums_behind_an_element_are_those_that_golden_rounds():
    build = Builder(np.random.default_rng(4), (9, 9, 8))
    build.conv(8, (3, 3), padding=(1, 1, 1, 1), stride=(2, 1))
    build.conv(8, (3, 2), padding=(0, 1, 2, 1), dilation=(1, 2), groups=4)
    build.pool("average", (3, 3), (1, 1), (1, 1, 1, 1))
    before = build.last
    build.conv(8, (1, 1), groups=8).add(before)
    graph = build.graph()
    images = np.random.default_rng(5).integers(-128, 128, (2, 9, 9, 8), np.int8)
    kinds = set()
    for node, exact, value in totals(graph, images):
        kinds.add(node.op)
        about = getattr(node, "requant", node)
        wanted = min(max(exact + about.zero_point, about.lo), about.hi)
        assert abs(wanted - value) <= 1  # an explanation in floats; a wrong sum is far away
    assert kinds == {"conv2d", "average_pool", "add"}
