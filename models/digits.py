"""Two networks for 28x28 grey images of handwritten digits."""

from accel.network import Conv2d, Dense, Flatten, MaxPool, Network, ReLU


def shallow() -> Network:
    """Two times convolution, ReLU and pooling, then fully connected: the least that is a CNN."""
    net = Network("shallow", (1, 28, 28), "shallow CNN: two convolutions, one dense layer")
    net.chain(
        Conv2d(8, 3, padding=1), ReLU(), MaxPool(2),  # -> 8x14x14
        Conv2d(16, 3, padding=1), ReLU(), MaxPool(2),  # -> 16x7x7
        Flatten(), Dense(10),
    )  # fmt: skip
    return net


def lenet5() -> Network:
    """LeNet-5 (LeCun et al. 1998) as it is usually built today.

    ReLU instead of scaled tanh, maxima instead of trained subsampling, a dense last layer instead
    of radial basis functions, and every C3 filter sees all six maps.  The 28x28 image is padded
    to the paper's 32x32.
    """
    net = Network("lenet5", (1, 28, 28), "LeNet-5 with ReLU and max pooling")
    net.chain(
        Conv2d(6, 5, padding=2), ReLU(), MaxPool(2),  # C1, S2: -> 6x14x14
        Conv2d(16, 5), ReLU(), MaxPool(2),  # C3, S4: -> 16x5x5
        Flatten(),
        Dense(120), ReLU(),  # C5
        Dense(84), ReLU(),  # F6
        Dense(10),
    )  # fmt: skip
    return net
