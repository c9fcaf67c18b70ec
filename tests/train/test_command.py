"""`accel train` and `accel quantize` as their user sees them, on few images."""

import json

import click.testing
import numpy as np
import onnx
import pytest

from accel import frontend, golden, models
from accel.cli import main
from accel.graph import ports
from accel.network.export import to_bytes
from accel.train import session


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    with np.load(models.DIGITS) as file:
        np.savez(path, images=file["images"][:300], labels=file["labels"][:300])
    return path


def test_the_way_from_training_to_int8(tmp_path, digits):
    out = tmp_path / "run"
    done = call("train", "shallow", "--data", digits, "--epochs", 3, "--held-back", 100,
                "--batch-size", 8, "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.output
    for text in ("3 epochs of 200 images, 75 iterations", "held-back accuracy", "shallow.onnx"):
        assert text in done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "calibration.npz", "checkpoint.npz", "curves.png", "held_back.npz", "history.json",
        "index.html", "shallow.onnx",
    ]  # fmt: skip
    assert len(json.loads((out / "history.json").read_text())["epochs"]) == 3
    onnx.checker.check_model(onnx.load(out / "shallow.onnx"))

    done = call("quantize", out / "shallow.onnx", "--calibrate", out / "calibration.npz",
                "-o", out / "int8.onnx")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "calibrated on 200 images" in done.output
    graph = frontend.load(out / "int8.onnx")
    with np.load(out / "held_back.npz") as file:
        images, labels = file["images"], file["labels"]
    assert images.shape == (100, 1, 28, 28)
    (answers,) = ports.outputs(graph, golden.run(graph, ports.quantise(graph, images)))
    assert (answers.argmax(axis=1) == labels).mean() > 0.5


def test_resume_goes_on_where_it_was(tmp_path, digits):
    def train(folder, epochs, *more):
        return call("train", "shallow", "--data", digits, "--epochs", epochs, "--seed", 5,
                    "--out", tmp_path / folder, *more)  # fmt: skip

    assert train("whole", 3).exit_code == 0
    assert train("parts", 1).exit_code == 0
    assert train("parts", 3, "--resume").exit_code == 0
    whole, parts = ((tmp_path / name / "shallow.onnx").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


@pytest.mark.parametrize("epochs, said", [(1, "--resume continues"), (0, "start again")])
def test_an_interrupted_run_says_how_to_go_on(tmp_path, digits, monkeypatch, epochs, said):
    """Before the first epoch is over there is nothing to continue from."""

    def interrupt(*arguments, **options):
        (tmp_path / "run").mkdir()
        if epochs:
            (tmp_path / "run" / "checkpoint.npz").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "train", interrupt)
    done = call("train", "shallow", "--data", digits, "--out", tmp_path / "run")
    assert done.exit_code == 130
    assert said in done.output


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nonet"], "network must be one of notes"),
        (["lenet5", "--learning-rate", "0"], "learning rate must be positive and finite, not 0"),
        (["lenet5", "--learning-rate", "nan"], "learning rate must be positive and finite"),
        (["lenet5", "--batch-size", "0"], "batch size must be at least 1, not 0"),
        (["lenet5", "--epochs", "0"], "epochs must be at least 1, not 0"),
        (["lenet5", "--optimiser", "magic"], "optimiser must be one of sgd"),
        (["lenet5", "--held-back", "5000"], "from 1 to 4999 of 5000"),
        (["lenet5", "--data", "gone.npz"], "gone.npz: is not a readable"),
        (["lenet5", "--resume"], "there is no checkpoint to resume"),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(tmp_path, arguments, words):
    done = call("train", *arguments, "--out", tmp_path / "run")
    assert done.exit_code == 2, done.output
    assert len(done.output.strip().splitlines()) == 1
    assert words in done.output
    assert not (tmp_path / "run").exists()


def test_a_batch_size_in_words():
    done = call("train", "lenet5", "--batch-size", "some")
    assert done.exit_code == 2
    assert "whole number or 'all', not 'some'" in done.output


def test_a_loss_that_runs_away(tmp_path, digits):
    done = call("train", "shallow", "--data", digits, "--optimiser", "sgd", "--epochs", 3,
                "--learning-rate", "1e20", "--out", tmp_path / "run")  # fmt: skip
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert "loss must stay finite" in done.output
    assert not (tmp_path / "run" / "shallow.onnx").exists()


def test_an_unwritable_folder(tmp_path, digits):
    (tmp_path / "file").write_text("")
    done = call("train", "shallow", "--data", digits, "--epochs", 1,
                "--out", tmp_path / "file" / "run")  # fmt: skip
    assert done.exit_code == 2
    assert "cannot be written" in done.output


@pytest.mark.parametrize(
    "model, images, words",
    [
        ("gone.onnx", "digits", "gone.onnx: cannot be read"),
        ("text.onnx", "digits", "text.onnx: not a valid ONNX model"),
        ("text.onnx", "gone", "gone.npz: is not a readable"),
    ],
)
def test_mistakes_with_quantize(tmp_path, digits, model, images, words):
    (tmp_path / "text.onnx").write_text("no network")
    inputs = digits if images == "digits" else tmp_path / "gone.npz"
    done = call("quantize", tmp_path / model, "--calibrate", inputs)
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert words in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["text.onnx"]


def test_reduce_range(tmp_path):
    """The flag reaches the file: no weight beyond seven bits."""
    net = models.NETWORKS["shallow"].build()
    net.initialise(1)
    (tmp_path / "float.onnx").write_bytes(to_bytes(net))
    images = np.random.default_rng(1).random((4, *net.input_shape), np.float32)
    np.savez(tmp_path / "images.npz", images=images)
    most = []
    for flags in ([], ["--reduce-range"]):
        done = call("quantize", tmp_path / "float.onnx", "--calibrate", tmp_path / "images.npz",
                    "-o", tmp_path / "int8.onnx", *flags)  # fmt: skip
        assert done.exit_code == 0, done.output
        nodes = frontend.load(tmp_path / "int8.onnx").nodes
        weights = [node.weights for node in nodes if hasattr(node, "weights")]
        most.append(max(int(np.abs(one.astype(int)).max()) for one in weights))
    assert most == [127, 64]
    assert "--reduce-range" in call("quantize", "--help").output
