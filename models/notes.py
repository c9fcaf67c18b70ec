"""The two-weight shallow network of the lecture notes: small enough to compute by hand."""

from accel.network import Conv2d, Dense, Flatten, MaxPool, Network, Sigmoid


def notes() -> Network:
    """One 3x3 filter, sigmoid, 2x2 maximum, one neuron, sigmoid; no bias anywhere.

    Trained with half squared error and plain SGD at a learning rate of 0.01.
    """
    net = Network("notes", (1, 6, 6), "the lecture notes' two-weight shallow network")
    net.chain(
        Conv2d(1, 3, bias=False),  # 6x6 -> 4x4
        Sigmoid(),
        MaxPool(2),  # -> 2x2
        Flatten(),
        Dense(1, bias=False),
        Sigmoid(),
    )
    return net
