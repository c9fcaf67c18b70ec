import errno
import json
import pathlib

import click.testing
import numpy as np
import onnx
import pytest

from accel import models
from accel.cli import main

MNIST = models.BUILTIN["mnist"]


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def one_digit(tmp_path):
    with np.load(MNIST.inputs) as file:
        np.savez(tmp_path / "one.npz", images=file["images"][:1], labels=file["labels"][:1])
    return tmp_path / "one.npz"


def test_run_prints_the_table_and_writes_the_report(tmp_path, one_digit):
    done = call("run", MNIST.network, "--input", one_digit, "--array", "4x4", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    for text in ("conv2d", "fully_connected", "mismatches", "total", "accuracy 1/1"):
        assert text in done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["total"]["mismatches"] == 0
    assert report["array"] == {"rows": 4, "cols": 4}
    assert (tmp_path / "utilisation.png").stat().st_size > 10_000


def row(output, name):
    """The cells of a table's row, without its first."""
    (found,) = (line.split() for line in output.splitlines() if line.split()[:1] == [name])
    return found[1:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bad"], "No such option '--bad'. ("),
        (["nosuch"], "No such command 'nosuch'. ("),
        (["run"], "Missing argument 'NETWORK'. ("),
        (["run", "mnist", "--batch", "0"], "'--batch': 0 is not in the range x>=1."),
        (["run", "mnist", "--array", "3x5"], "rows must be a power of two from 4 to 128, not 3"),
        (["run", "mnist", "--array", "\u0664x4"], "array must be RxC, for example 16x16, not"),
        (["bench", "networks", "nosuch"], "no case begins with nosuch"),
        (["estimate", "mnist", "--scalesim-config", "c"], "--scalesim-config belongs to"),
        (["verilog", "--array", "4x4", "-o", "absent/x.v"], "absent/x.v: cannot be written: "),
        (["fpga", "--array", "4x4", "--device", "no"], "device must be one of ecp5-25k-6, "),
    ],
)
def test_an_error_is_one_line(arguments, message):
    done = call(*arguments)
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert line.startswith("Error: ") and message in line


def test_output_that_does_not_fit_is_one_line(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rich.console.Console.print", full)
    done = call("models")
    assert (done.exit_code, done.output) == (
        3, "Error: No space left on device; free some space there, or choose another place\n"
    )  # fmt: skip


def test_without_arguments_there_is_help():
    assert call().output.startswith("Usage: ") and call("bench").output.startswith("Usage: ")


def test_models_lists_every_network():
    done = call("models")
    assert done.exit_code == 0
    assert row(done.output, "mnist")[:4] == ["1x28x28", "6", "5,994", "786,560"]
    assert row(done.output, "lenet5") == [
        "1x28x28", "12", "61,706", "416,520", "trained", "int8", "file"
    ]  # fmt: skip
    assert row(done.output, "resnet50")[2:6] == ["25,557,032", "4,089,184,256", "seeded", "random,"]
    for name in (*models.NETWORKS, *models.BUILTIN):
        assert row(done.output, name)


def test_models_of_a_file_lists_its_layers():
    done = call("models", "mnist")
    assert done.exit_code == 0
    # 8*25 + 8, 16*8*25 + 16, 256*10 + 10 parameters; MACs as in test_runner.
    for figure in ("208", "3,216", "2,570", "5,994", "156,800", "627,200", "2,560", "786,560"):
        assert figure in done.output


def test_models_of_a_definition_lists_its_layers():
    done = call("models", "lenet5")
    assert done.exit_code == 0
    # (5*5*6 + 1)*16 parameters, 5*5*6*16*10*10 MACs.
    assert row(done.output, "conv2") == ["conv", "16x10x10", "2,416", "240,000"]
    assert row(done.output, "total") == ["61,706", "416,520"]


def test_models_writes_random_weights(tmp_path):
    paths = [tmp_path / "one.onnx", tmp_path / "two.onnx"]
    for path in paths:
        done = call("models", "convnetjs_cifar10", "--onnx", path, "--seed", 3)
        assert done.exit_code == 0, done.output
        assert "random weights, seed 3" in done.output
    assert paths[0].read_bytes() == paths[1].read_bytes()
    onnx.checker.check_model(onnx.load(paths[0]))


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["unknown"], "network must be one of mnist"),
        (["mnist", "--onnx", "x.onnx"], "'mnist' is an int8 file"),
        (["--onnx", "x.onnx"], "--onnx needs the name"),
        (["lenet5", "--onnx", "no/such/x.onnx"], "cannot be written"),
    ],
)
def test_mistakes_with_models(arguments, words):
    done = call("models", *arguments)
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert words in done.output


def test_verilog(tmp_path):
    done = call("verilog", "--array", "4x4", "-o", tmp_path / "accelerator.v")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "accelerator.v").read_text()
    assert "module accelerator(" in text
    for port in ("m_axi_araddr", "m_axi_wstrb", "s_axil_awaddr", "irq", "clk", "rst"):
        assert port in text
    assert "//   window_taps = 4\n" in text
    assert "//   window_taps = 0\n" in call("verilog", "--array", "4x4", "--window-taps", 0).output


@pytest.mark.parametrize("shape", ["5x7", "16", "0x4", "axb", "2x2", "16x", "-4x4"])
def test_impossible_arrays(shape):
    done = call("run", "mnist", "--array", shape)
    assert done.exit_code == 2
    assert shape in done.output


def test_a_definition_without_a_file_runs_with_seeded_weights(tmp_path):
    done = call("run", "notes", "--array", "4x4", "--limit", 2, "--engine", "pysim",
                "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["images"] == 2
    assert report["total"]["mismatches"] == 0
    assert report["weights"] == "seeded random weights, seed 1"
    assert report["inputs"] == "seeded random images, seed 1"
    for words in ("seeded random weights", "seeded random images"):
        assert words in " ".join(done.output.split())
    assert "accuracy" not in report


def bad_network(tmp_path: pathlib.Path, name: str) -> pathlib.Path:
    """A broken or unsupported network file."""
    path = tmp_path / f"{name}.onnx"
    whole = MNIST.network.read_bytes()
    if name == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif name == "text":
        path.write_text("this is no network")
    elif name != "absent":
        model = onnx.load_from_string(whole)
        node = next(node for node in model.graph.node if node.name == "Pooling66")
        if name == "operator":
            node.op_type, node.name = "NoSuchOperator", "wave"
            del node.attribute[:]
        if name == "weights":
            weights = next(
                one for one in model.graph.initializer if one.name == "Parameter87_quantized"
            )
            weights.raw_data = weights.raw_data[:-7]
        if name == "shape":
            model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
        path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    "name, words",
    [
        ("absent", ["absent.onnx"]),
        ("truncated", ["truncated.onnx"]),
        ("text", ["text.onnx"]),
        ("operator", ["operator.onnx", "NoSuchOperator", "wave"]),
        ("weights", ["weights.onnx", "Parameter87_quantized"]),
        ("shape", ["shape.onnx", "Input3", "height"]),
    ],
)
def test_bad_networks_end_in_one_line_and_exit_code_2(tmp_path, one_digit, name, words):
    done = call("run", bad_network(tmp_path, name), "--input", one_digit, "--array", "4x4")
    assert done.exit_code == 2, done.output
    assert len(done.output.strip().splitlines()) == 1
    for word in words:
        assert word in done.output


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"pictures": np.zeros(3)}, ["images", "pictures"]),
        ({"images": np.zeros((1, 1, 28, 28), np.float64)}, ["Input3", "float32", "float64"]),
        ({"images": np.zeros((1, 28, 28), np.float32)}, ["Input3", "(1, 28, 28)"]),
        ({"images": np.zeros((2, 1, 28, 28), np.float32), "labels": np.zeros((2, 10), int)},
         ["labels must be one integer per image: shape (2,), not (2, 10)"]),
        ({"images": np.zeros((2, 1, 28, 28), np.float32), "labels": np.array(["7", "1"])},
         ["labels must be one integer per image, not <U1"]),
    ],
)  # fmt: skip
def test_bad_inputs_name_the_file(tmp_path, arrays, words):
    np.savez(tmp_path / "in.npz", **arrays)
    done = call("run", "mnist", "--input", tmp_path / "in.npz", "--array", "4x4")
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    for word in ["in.npz", *words]:
        assert word in done.output


@pytest.mark.parametrize("command", ["run", "estimate"])
@pytest.mark.parametrize("shape", [(), (0, 1, 28, 28)])
def test_no_images_name_the_file(tmp_path, command, shape):
    np.savez(tmp_path / "empty.npz", images=np.zeros(shape, np.float32))
    done = call(command, "mnist", "--input", tmp_path / "empty.npz", "--array", "4x4")
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert f"empty.npz: images must be at least one, not of shape {shape}" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "mnist", "--input"],
        ["estimate", "mnist", "--input"],
        ["hls", "mnist", "--input"],
        ["train", "lenet5", "--data"],
        ["quantize", MNIST.network, "--calibrate"],
    ],
)
def test_a_single_array_is_no_npz_file(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    np.save("plain.npy", np.zeros((1, 1, 28, 28), np.float32))
    done = call(*arguments, "plain.npy")
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert "plain.npy: is not a readable .npz file, but a single array" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["plain.npy"]


@pytest.mark.parametrize("command", ["run", "estimate", "hls", "sweep"])
@pytest.mark.parametrize("network", ["nosuch", "net.pt"])
def test_neither_a_built_in_network_nor_a_file(tmp_path, monkeypatch, command, network):
    monkeypatch.chdir(tmp_path)
    done = call(command, network)
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert "network must be a built-in one (mnist, lenet5, " in done.output
    assert f"or a file ending in .onnx or .tflite, not {network!r}" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "estimate", "hls", "sweep"])
def test_help_says_what_a_network_is(command):
    text = " ".join(call(command, "--help").output.split())
    assert "a built-in name, or a path to .onnx or .tflite" in text


def test_an_unwritable_report_folder(tmp_path, one_digit):
    (tmp_path / "file").write_text("")
    done = call("run", MNIST.network, "--input", one_digit, "--array", "4x4",
                "--out", tmp_path / "file" / "deeper")  # fmt: skip
    assert done.exit_code == 2
    assert "cannot write the report" in done.output
