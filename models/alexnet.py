"""AlexNet (Krizhevsky, Sutskever, Hinton 2012), with its groups and local response norm."""

from accel.network import LRN, Conv2d, Dense, Dropout, Flatten, MaxPool, Network, ReLU


def _norm() -> LRN:
    """Return the paper's norm: k 2, n 5, alpha 1e-4 per element (ONNX divides by n), beta 0.75."""
    return LRN(5, alpha=5e-4, beta=0.75, bias=2.0)


def alexnet() -> Network:
    """Five convolutions, three of them in two groups, and three dense layers.

    The paper says 224x224, but its 55x55 first maps need 227x227 (or padding).
    """
    net = Network("alexnet", (3, 227, 227), "AlexNet of 2012, with LRN and groups")
    net.chain(
        Conv2d(96, 11, stride=4), ReLU(), _norm(), MaxPool(3, 2),  # 55x55 -> 27x27
        Conv2d(256, 5, padding=2, groups=2), ReLU(), _norm(), MaxPool(3, 2),  # -> 13x13
        Conv2d(384, 3, padding=1), ReLU(),
        Conv2d(384, 3, padding=1, groups=2), ReLU(),
        Conv2d(256, 3, padding=1, groups=2), ReLU(), MaxPool(3, 2),  # -> 6x6
        Flatten(),
        Dense(4096), ReLU(), Dropout(0.5),
        Dense(4096), ReLU(), Dropout(0.5),
        Dense(1000),
    )  # fmt: skip
    return net
