import numpy as np
import pytest

from accel.network import (
    LRN,
    Add,
    AveragePool,
    BatchNorm,
    Concat,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    LeakyReLU,
    MaxPool,
    Network,
    NetworkError,
    ReLU,
    Sigmoid,
    Tanh,
)
from accel.network.fold import fold


def branched():
    """A network with every kind of layer, branches and joins."""
    net = Network("branched", (2, 7, 6))
    stem = net.chain(Conv2d(4, 3, padding="same", bias=False), BatchNorm(), LeakyReLU(0.1))
    left = net.add(Conv2d(4, (1, 3), padding=(0, 1), groups=2), stem, name="left")
    joined = net.add(Add(), stem, left)
    right = net.add(AveragePool(3, 1, padding=1), joined)
    middle = net.add(Tanh(), joined)
    net.add(Concat(), right, middle, joined)
    net.chain(LRN(3, alpha=0.1), Dropout(0.25), MaxPool(2, ceil=True), Sigmoid())
    pooled = net.nodes[-1].name
    net.add(Flatten(), pooled, name="flat")
    net.chain(Dense(5), BatchNorm(), ReLU(), Dense(3, bias=False))
    return net


def test_shapes_and_counts_without_running():
    net = branched()
    assert net.output_shape == (3,)
    assert net.shape_of("concat1") == (12, 7, 6)
    assert net.shape_of("max_pool1") == (12, 4, 3)
    assert net.parameter_count == 72 + 8 + (24 + 4) + (144 * 5 + 5) + 10 + 15
    assert net.macs == 42 * 4 * 18 + 42 * 4 * 6 + 144 * 5 + 5 * 3
    assert not net.parameters()


def test_the_running_variance_is_pytorchs():
    """torch.nn.BatchNorm2d: running = 0.9 old + 0.1 batch's, variance over n - 1, momentum 0.1."""
    net = Network("norm", (2, 3, 3))
    net.chain(BatchNorm())
    net.initialise(1, dtype=np.float64)
    images = np.random.default_rng(2).standard_normal((4, 2, 3, 3)) * 3 + 5
    for step in (1, 2):
        out = net.forward(images, rng=np.random.default_rng(step))
    for channel in range(2):
        values = images[:, channel].ravel().tolist()
        middle = sum(values) / 36
        spread = sum((value - middle) ** 2 for value in values) / 35
        state = net.nodes[0].layer.state
        assert state["mean"][channel] == pytest.approx(0.19 * middle)
        assert state["variance"][channel] == pytest.approx(0.81 + 0.19 * spread)
        # What normalises in training is divided by n.
        assert np.mean(out[:, channel] ** 2) == pytest.approx(1, abs=1e-4)


def test_gradients_of_a_whole_network_against_central_differences():
    net = branched()
    net.initialise(3, dtype=np.float64)
    rng = np.random.default_rng(5)
    images, slopes = rng.standard_normal((4, 2, 7, 6)), rng.standard_normal((4, 3))

    def loss():  # the same dropout each time
        return float((net.forward(images, rng=np.random.default_rng(9)) * slopes).sum())

    loss()
    dx = net.backward(slopes)
    found = {**net.gradients(), "images": dx}
    arrays = {**net.parameters(), "images": images}
    assert found.keys() == arrays.keys()
    step = 1e-6
    for name, array in arrays.items():
        flat, gradient = array.reshape(-1), found[name].reshape(-1)
        scale = max(1.0, np.abs(gradient).max())
        for at in rng.permutation(flat.size)[:6]:
            kept = flat[at]
            flat[at] = kept + step
            above = loss()
            flat[at] = kept - step
            below = loss()
            flat[at] = kept
            assert abs((above - below) / (2 * step) - gradient[at]) < 1e-6 * scale, name


def test_a_folded_network_computes_the_same():
    net = branched()
    net.initialise(1, dtype=np.float64)
    rng = np.random.default_rng(2)
    images = rng.standard_normal((8, 2, 7, 6))
    for _ in range(5):  # statistics other than 0 and 1
        net.forward(3 * images + 1, rng=rng)
    folded = fold(net)
    kinds = [node.layer.op for node in folded.nodes]
    assert "batch_norm" not in kinds
    assert "dropout" not in kinds
    np.testing.assert_allclose(folded.forward(images), net.forward(images), rtol=1e-9, atol=1e-9)
    assert "bias" not in net.nodes[0].layer.parameters  # the original keeps its weights


def test_a_shared_convolution_is_not_folded():
    net = Network("shared", (1, 4, 4))
    conv = net.add(Conv2d(2, 3))
    norm = net.add(BatchNorm(), conv)
    net.add(Add(), norm, conv)
    net.initialise(1)
    assert [node.layer.op for node in fold(net).nodes] == ["conv", "batch_norm", "add"]


def test_dropout_acts_in_training_only():
    net = Network("drop", (1, 8, 8))
    net.chain(Dropout(0.5))
    images = np.ones((2, 1, 8, 8), np.float32)
    assert np.array_equal(net.forward(images), images)
    thinned = net.forward(images, rng=np.random.default_rng(1))
    assert set(np.unique(thinned)) == {0.0, 2.0}


def test_dead_units_are_counted_per_filter_and_neuron():
    relu = ReLU()
    assert relu.dead == (0, 0)
    rng = np.random.default_rng(1)
    x = np.ones((3, 4, 2, 2), np.float32)
    x[:, 1] = -1  # never positive
    x[1:, 2] = -1  # positive for one image
    relu.forward(x, rng=rng)
    relu.backward(np.ones_like(x))
    assert relu.dead == (1, 4)
    x[:, 1] = 1
    relu.forward(x, rng=rng)
    relu.backward(np.ones_like(x))
    assert relu.dead == (0, 4)  # one gradient is enough
    relu.watch()
    assert relu.dead == (0, 0)


def test_global_average_needs_an_image():
    net = Network("global", (3, 5, 4))
    net.add(GlobalAveragePool())
    assert net.output_shape == (3, 1, 1)
    net.add(Flatten())
    with pytest.raises(NetworkError, match=r"must be \(channels, height, width\), not \(3,\)"):
        net.add(GlobalAveragePool())


@pytest.mark.parametrize(
    "layer, inputs, words",
    [
        (Conv2d(4, 9), (), "kernel"),
        (Conv2d(4, 3, groups=4), (), "groups must divide the 2 channels, not 4"),
        (Dense(3), (), "must be a vector"),
        (ReLU(), ("nowhere",), "no input 'nowhere'"),
        (Add(), ("input", "conv1"), "two of one shape"),
        (Concat(), ("input", "conv1"), "one height and width"),
    ],
)
def test_layers_that_do_not_fit(layer, inputs, words):
    net = Network("small", (2, 6, 6))
    net.add(Conv2d(2, 3))
    with pytest.raises(NetworkError, match=words) as caught:
        net.add(layer, *(inputs or ("input",)))
    assert "small: layer" in str(caught.value)


def test_other_mistakes():
    with pytest.raises(NetworkError, match="input shape"):
        Network("none", (1, 0, 4))
    with pytest.raises(NetworkError, match="dropout rate"):
        Dropout(1.0)
    with pytest.raises(NetworkError, match="groups must divide the 4 filters, not 3"):
        Conv2d(4, 3, groups=3)
    with pytest.raises(NetworkError, match="outputs must be a positive integer, not 0"):
        Dense(0)
    net = Network("small", (2, 6, 6))
    layer = ReLU()
    net.add(layer, name="one")
    with pytest.raises(NetworkError, match="'one' must be new"):
        net.add(ReLU(), name="one")
    with pytest.raises(NetworkError, match="stands in the network already"):
        net.add(layer)
    with pytest.raises(NetworkError, match=r"images must be \(N, 2, 6, 6\), not \(1, 6, 6\)"):
        net.forward(np.zeros((1, 6, 6), np.float32))
    with pytest.raises(NetworkError, match="backward must follow"):
        net.backward(np.zeros((1, 2, 6, 6), np.float32))
