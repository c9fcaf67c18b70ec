import numpy as np
import pytest

from accel import models
from accel.train import TrainingError
from accel.train.augment import jittered
from accel.train.data import check, load
from tests.train import small


def test_shipped_digits():
    data = load(models.DIGITS, models.NETWORKS["lenet5"].build())
    assert data.images.shape == (5000, 1, 28, 28)
    assert data.images.dtype == np.float32
    assert (data.images.min(), data.images.max()) == (0, 1)
    assert np.bincount(data.labels).min() > 400
    learn, held_back = data.split(1000)
    assert (len(learn), len(held_back)) == (4000, 1000)
    assert np.array_equal(held_back.images, data.images[4000:])


def test_forms_of_images():
    net = small.network()
    grey = np.full((3, 6, 6), 51, np.uint8)
    assert np.allclose(check(net, grey, [0, 1, 1]).images, 0.2)
    assert check(net, grey[:, None] * 1.0, [0, 1, 1]).images.max() == 51  # floats stay


@pytest.mark.parametrize(
    "images, labels, words",
    [
        (np.zeros((2, 6, 5)), [0, 1], r"'tiny' must be \(N, 1, 6, 6\), not \(2, 6, 5\)"),
        (np.zeros((2, 3, 6, 6)), [0, 1], r"not \(2, 3, 6, 6\)"),
        (np.zeros((2, 6, 6), np.int32), [0, 1], "uint8 or float, not int32"),
        (np.full((2, 6, 6), np.nan), [0, 1], "finite"),
        (np.zeros((2, 6, 6)), [0, 1, 1], r"one per image, \(2,\), not \(3,\)"),
        (np.zeros((2, 6, 6)), [[0, 1]], r"one per image, \(2,\), not \(1, 2\)"),
        (np.zeros((2, 6, 6)), [0, 2], r"from 0 to 1, not 2 \(image 1\)"),
        (np.zeros((2, 6, 6)), [-1, 0], r"from 0 to 1, not -1 \(image 0\)"),
        (np.zeros((2, 6, 6)), [0.0, 1.0], "integers, not float64"),
    ],
)
def test_images_and_labels_that_do_not_fit(images, labels, words):
    with pytest.raises(TrainingError, match=words):
        check(small.network(), images, labels)


def test_labels_of_a_single_output():
    net = models.NETWORKS["notes"].build()
    assert check(net, np.zeros((2, 6, 6)), [0.25, 1]).labels.dtype == np.float32
    for labels in ([0, 1.5], [0, np.nan], ["a", "b"]):
        with pytest.raises(TrainingError, match="numbers from 0 to 1"):
            check(net, np.zeros((2, 6, 6)), labels)


def test_files(tmp_path):
    net, path = small.network(), tmp_path / "in.npz"
    with pytest.raises(TrainingError, match=r"in\.npz: is not a readable \.npz file"):
        load(path, net)
    path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(TrainingError, match=r"in\.npz: is not a readable"):
        load(path, net)
    np.savez(path, images=np.zeros((2, 6, 6)))
    with pytest.raises(TrainingError, match=r"in\.npz: must hold \['labels'\], has \['images'\]"):
        load(path, net)
    np.savez(path, images=np.zeros((2, 6, 6)), labels=[0, 9])
    with pytest.raises(TrainingError, match=r"in\.npz: labels must be from 0 to 1, not 9"):
        load(path, net)


@pytest.mark.parametrize("count", [0, 50, -1])
def test_impossible_splits(count):
    with pytest.raises(TrainingError, match=f"from 1 to 49 of 50, not {count}"):
        small.images(50).split(count)


def test_jitter():
    rng = np.random.default_rng(3)
    images = np.zeros((40, 2, 15, 15), np.float32)
    images[:, :, 5:10, 5:10] = 1
    assert np.array_equal(jittered(images, 0.0, rng), images)
    moved = jittered(images, 1.0, rng)
    assert moved.dtype == np.float32
    assert (moved.min(), moved.max()) == (0, 1)
    assert len({image.tobytes() for image in moved}) == 40  # every image its own way
    assert np.array_equal(moved[:, 0], moved[:, 1])  # all channels together
    assert np.abs(moved.sum((1, 2, 3)) / 50 - 1).max() < 0.3  # nothing falls off the edge here
    wild = jittered(np.ones_like(images), 4.0, rng)  # beyond the edge is zero, within one
    assert (wild.min(), wild.max()) == (0, pytest.approx(1))
    assert np.allclose(wild[:, :, 7, 7], 1)
