import dataclasses
import math

import numpy as np
import pytest

from accel import models
from accel.network import Conv2d, Dense, Flatten, Network, ReLU
from accel.train import Dataset, Settings, Trainer, TrainingError
from accel.train.losses import LOSSES
from tests.train import small


@pytest.mark.parametrize("optimiser, rate", [("sgd", 0.1), ("momentum", 0.02), ("adam", 0.01)])
def test_every_optimiser_learns(optimiser, rate):
    trainer = small.trainer(optimiser=optimiser, learning_rate=rate)
    history = trainer.run(12)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["held_back_accuracy"] >= 0.9
    assert trainer.measure(trainer.held_back)[1] == history[-1]["held_back_accuracy"]


@pytest.mark.parametrize("batch_size, iterations", [(1, 50), (8, 7), (50, 1), (None, 1), (99, 1)])
def test_iterations_of_an_epoch(batch_size, iterations):
    trainer = small.trainer(batch_size=batch_size)
    assert trainer.iterations_per_epoch == iterations  # 50 images; 8 leave a rest
    history = trainer.run(2)
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert [epoch["iterations"] for epoch in history] == [iterations, 2 * iterations]


def test_one_update_by_sample_of_the_notes_network_by_hand():
    net = models.NETWORKS["notes"].build()
    rng = np.random.default_rng(4)
    image, label = rng.random((6, 6)), np.float32(1)
    data = Dataset(image[None, None].astype(np.float32), label[None])
    settings = Settings("half_squared", "sgd", learning_rate=0.01, batch_size=1)
    trainer = Trainer(net, settings, data, data)
    kernel, dense = (array.astype(np.float64) for array in net.parameters().values())
    kernel, dense = kernel[0, 0], dense[0]

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    maps = [[sigmoid((image[y : y + 3, x : x + 3] * kernel).sum()) for x in range(4)]
            for y in range(4)]  # fmt: skip
    places = [max(((y, x) for y in (2 * v, 2 * v + 1) for x in (2 * h, 2 * h + 1)),
                  key=lambda at: maps[at[0]][at[1]]) for v in (0, 1) for h in (0, 1)]  # fmt: skip
    pooled = np.array([maps[y][x] for y, x in places])
    answer = sigmoid(pooled @ dense)
    slope = (answer - 1) * answer * (1 - answer)
    new_kernel = kernel.copy()
    for (y, x), value, weight in zip(places, pooled, dense, strict=True):
        new_kernel -= 0.01 * slope * weight * value * (1 - value) * image[y : y + 3, x : x + 3]
    (epoch,) = trainer.run(1)
    assert epoch["loss"] == pytest.approx(0.5 * (answer - 1) ** 2, rel=1e-5)
    assert epoch["iterations"] == 1
    trained = list(net.parameters().values())
    np.testing.assert_allclose(trained[0][0, 0], new_kernel, rtol=1e-5)
    np.testing.assert_allclose(trained[1][0], dense - 0.01 * slope * pooled, rtol=1e-5)


def test_half_squared_error_of_classes():
    outputs = np.array([[0.5, 0.0, 0.0], [0.0, 1.0, 0.0]])
    loss, gradient = LOSSES["half_squared"](outputs, np.array([0, 2]))
    assert loss == pytest.approx((0.5 * 0.25 + 0.5 * 2) / 2)
    assert np.allclose(gradient, np.array([[-0.5, 0, 0], [0, 1, -1]]) / 2)


def arrays(trainer):
    return {**trainer.network.parameters(), **trainer.network.state()}


def equal(one, two):
    return one.history == two.history and all(
        np.array_equal(arrays(one)[name], arrays(two)[name]) for name in arrays(one)
    )


def test_seeds_decide_everything():
    runs = [small.trainer(seed=seed, jitter=0.5) for seed in (1, 1, 2)]
    for run in runs:
        run.run(2)
    assert equal(runs[0], runs[1])
    assert not equal(runs[0], runs[2])


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam"])
def test_a_resumed_run_is_bit_identical(tmp_path, optimiser):
    choices = {"optimiser": optimiser, "jitter": 0.5, "decay": 0.9}
    whole = small.trainer(**choices)
    whole.run(5)
    first = small.trainer(**choices)
    first.run(2, save_to=tmp_path / "c.npz")
    second = small.trainer(**choices)
    second.resume(tmp_path / "c.npz")
    assert equal(first, second)
    second.run(5)
    assert equal(whole, second)
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_an_interrupted_run_leaves_the_last_whole_epoch(tmp_path):
    def interrupt(stage, share):
        if stage == "epoch 3/5" and share > 0.45:
            raise KeyboardInterrupt

    whole, first, second = small.trainer(), small.trainer(), small.trainer()
    whole.run(5)
    with pytest.raises(KeyboardInterrupt):
        first.run(5, save_to=tmp_path / "c.npz", progress=interrupt)
    second.resume(tmp_path / "c.npz")
    assert len(second.history) == 2
    second.run(5)
    assert equal(whole, second)


def test_a_loss_that_runs_away_keeps_the_checkpoint(tmp_path):
    trainer = small.trainer(optimiser="sgd")
    trainer.run(1, save_to=tmp_path / "c.npz")
    kept = (tmp_path / "c.npz").read_bytes()
    for array in trainer.network.parameters().values():
        array *= np.float32(1e38)
    with pytest.raises(TrainingError, match=r"loss must stay finite, but is (nan|inf) in epoch 2"):
        trainer.run(3, save_to=tmp_path / "c.npz")
    assert (tmp_path / "c.npz").read_bytes() == kept


def test_missing_and_damaged_checkpoints(tmp_path):
    path = tmp_path / "c.npz"
    with pytest.raises(TrainingError, match=r"c\.npz: there is no checkpoint to resume"):
        small.trainer().resume(path)
    trainer = small.trainer()
    trainer.run(1, save_to=path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(trainer.network.parameters()["dense1.weights"].tobytes()) + 3] ^= 1
    for damaged in (whole[: len(whole) // 2], bytes(flipped), b"", b"text"):
        path.write_bytes(damaged)
        fresh = small.trainer()
        before = {name: array.copy() for name, array in arrays(fresh).items()}
        with pytest.raises(TrainingError, match=r"c\.npz: is damaged or not a checkpoint"):
            fresh.resume(path)
        assert all(np.array_equal(before[name], a) for name, a in arrays(fresh).items())
    np.savez(path, images=np.zeros(3))
    with pytest.raises(TrainingError, match=r"c\.npz: is damaged or not a checkpoint"):
        small.trainer().resume(path)


def test_checkpoints_of_other_runs(tmp_path):
    small.trainer().run(1, save_to=tmp_path / "c.npz")
    for choices, words in (
        ({"optimiser": "sgd"}, "checkpoint's optimiser is adam, not sgd"),
        ({"learning_rate": 0.5}, "checkpoint's learning rate is 0.01, not 0.5"),
        ({"count": 51}, "checkpoint's data is"),
        ({"seed": 7}, "checkpoint's seed is 1, not 7"),
    ):
        with pytest.raises(TrainingError, match=words):
            small.trainer(**choices).resume(tmp_path / "c.npz")


def test_dying_relus_are_seen():
    net = Network("dying", (1, 6, 6))
    net.chain(Conv2d(3, 3), ReLU(), Flatten(), Dense(2))
    trainer = Trainer(net, Settings(), small.images(20), small.images(10, seed=1))
    net.parameters()["conv1.weights"][1] = -1  # images are positive: never above zero
    (epoch,) = trainer.run(1)
    dead, units = epoch["dead_relus"]["relu1"]
    assert units == 3
    assert dead >= 1
    assert not trainer.network.gradients()["conv1.weights"][1].any()


@pytest.mark.parametrize(
    "name, values, rule",
    [
        ("learning_rate", (0, -0.1, math.nan, math.inf), "positive and finite"),
        ("batch_size", (0, -3), "at least 1"),
        ("decay", (0, 1.1, math.nan), "above 0 and at most 1"),
        ("jitter", (-1, 5, math.nan), "from 0 to 4"),
        ("seed", (-1,), "at least 0"),
        ("optimiser", ("rmsprop",), "one of sgd, momentum, adam"),
        ("loss", ("hinge",), "one of cross_entropy, half_squared"),
    ],
)
def test_settings_that_make_no_sense(name, values, rule):
    for value in values:
        with pytest.raises(TrainingError, match=f"{name.replace('_', ' ')} must be {rule}, not"):
            dataclasses.replace(Settings(), **{name: value})
