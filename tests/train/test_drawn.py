"""Drawn images: the same bytes everywhere, something to learn, and said to be what they are."""

import hashlib
import json

import click.testing
import numpy as np
import pytest

from accel import models
from accel.cli import main
from accel.train import Settings, Trainer, session
from accel.train.data import Dataset, drawn, wanted
from accel.train.drawn import SHAPES, draw
from accel.train.gap import why_below
from accel.train.recipes import recipe
from tests.train import small

#: SHA-256 of images and labels (as little-endian int64) of 50 images, by shape and outputs.
HASHES = {
    ((3, 32, 32), 10): "0be284af1a7d898676e9893ba1d3adef9e9c2c96bd30d03ba24ccf415ff69332",
    ((1, 6, 6), 1): "91df1be1491043733e916532abdd0f0d135eb8fa7ca0f18fd5f45394b5b782f7",
    ((3, 96, 96), 2): "804205a8764a3f39a7a32b97d4d548e73af7d3539fec45c0dffaeedb4d43166d",
}


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("shape, outputs", HASHES)
def test_the_same_bytes_on_every_machine(shape, outputs):
    found = draw(shape, outputs, 50)
    bytes_of = found.images.tobytes() + found.labels.astype("<i8").tobytes()
    assert found.images.dtype == np.uint8 and found.images.shape == (50, *shape)
    assert hashlib.sha256(bytes_of).hexdigest() == HASHES[shape, outputs]
    other = draw(shape, outputs, 50, seed=2)
    assert not np.array_equal(found.images, other.images)


def test_every_shape_lies_whole_in_its_image_and_differs_from_the_others():
    y, x = np.mgrid[:32, :32] - 16
    masks = {name: inside(y, x, 12) for name, inside in SHAPES.items()}
    assert len({mask.tobytes() for mask in masks.values()}) == len(SHAPES) == 10
    for name, mask in masks.items():
        assert 0.08 < mask.mean() < 0.62, name
        assert not mask[:4].any() and not mask[29:].any(), name
        assert not mask[:, :4].any() and not mask[:, 29:].any(), name
    found = draw((3, 32, 32), 10, 400)
    assert np.bincount(found.labels, minlength=10).min() >= 20


def test_the_notes_squares_lie_where_their_labels_say():
    found = draw((1, 6, 6), 1, 100)
    halves = found.images.astype(int).sum((1, 2))
    assert np.array_equal(halves[:, 3:].sum(1) > halves[:, :3].sum(1), found.labels == 1)


@pytest.mark.parametrize("name", models.NETWORKS)
def test_images_for_every_network(name):
    network = models.NETWORKS[name].build()
    found = drawn(network)
    assert len(found) in (250, 2000)
    assert 1 < len(np.unique(found.labels)) <= 10
    assert "drawn images (seed 1)" in found.source
    assert all(part.source == found.source for part in found.split(50))
    assert "uint8 or float" in wanted(network)


@pytest.mark.parametrize(
    "name, epochs, least", [("notes", 20, 0.99), ("convnetjs_cifar10", 3, 0.5)]
)
def test_networks_without_images_learn(tmp_path, name, epochs, least):
    """Out of the box; ten epochs, the recipe's, bring convnetjs_cifar10 to 98 %."""
    if name == "notes":
        assert recipe(name).epochs == epochs
    done = call("train", name, "--epochs", epochs, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    first, second = done.output.splitlines()[:2]
    assert first.startswith(f"{name} has no images of its own: it learns from 2,000 drawn images")
    assert second.startswith("Give your own with --data F.npz: 'images' (N, ")
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["epochs"][-1]["held_back_accuracy"] >= least
    assert "drawn" in history["images"]
    assert "lies below" not in done.output and history["note"] == ""  # nothing hinders here


def test_data_of_ones_own_is_not_called_drawn(tmp_path):
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "own.npz", images=rng.random((20, 1, 6, 6)), labels=np.arange(20) % 2)
    done = call("train", "notes", "--data", tmp_path / "own.npz", "--epochs", 1, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "drawn" not in done.output
    assert json.loads((tmp_path / "history.json").read_text())["images"].endswith("own.npz")


def last(accuracy, held_back):
    return [{"accuracy": accuracy, "held_back_accuracy": held_back}]


def test_why_training_accuracy_lies_below():
    plain = models.NETWORKS["lenet5"].build()
    dropping = models.NETWORKS["minivggnet"].build()
    below, above = last(0.8, 0.9), last(0.9, 0.8)
    assert why_below(plain, Settings(), below) == ""
    assert why_below(dropping, Settings(jitter=1.5), above) == ""
    assert why_below(plain, Settings(), last(0.9, 0.9)) == ""
    said = why_below(plain, Settings(jitter=1.5), below)
    assert "jitter 1.5" in said and "dropout" not in said
    said = why_below(dropping, Settings(), below)
    assert "dropout 25%, 50%" in said and "jitter" not in said
    both = why_below(dropping, Settings(jitter=0.5), below)
    assert "jitter 0.5) and parts of layers left out at random (dropout 25%, 50%)" in both


def test_the_reason_stands_below_the_curves_and_in_the_history(tmp_path, monkeypatch):
    drawn_captions = []
    monkeypatch.setattr(
        session.curves, "draw", lambda name, history, path, caption: drawn_captions.append(caption)
    )
    settings = Settings(jitter=2.0)
    trainer = Trainer(small.network(), settings, small.images(20), small.images(20, seed=1))
    trainer.history = [{"epoch": 1, **last(0.5, 0.75)[0]}]
    trainer.data = Dataset(trainer.data.images, trainer.data.labels, "x.npz")
    session._write(trainer, session.Files(tmp_path, "tiny"))
    note = json.loads((tmp_path / "history.json").read_text())["note"]
    assert "jitter 2" in note and "dropout 10%" in note
    assert drawn_captions == [["images: x.npz", note]]
