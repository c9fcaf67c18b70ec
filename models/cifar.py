"""Two networks for CIFAR-10: 32x32 colour images of ten kinds of things."""

from accel.network import BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool, Network, ReLU


def minivggnet() -> Network:
    """Two VGG blocks and two dense layers (Rosebrock's MiniVGGNet).

    Batch normalisation comes before each ReLU, so that inference folds it into the weights.
    """
    net = Network("minivggnet", (3, 32, 32), "MiniVGGNet: two VGG blocks with batch norm")
    for filters in (32, 64):
        for _ in range(2):
            net.chain(Conv2d(filters, 3, padding=1), BatchNorm(), ReLU())
        net.chain(MaxPool(2), Dropout(0.25))
    net.chain(Flatten(), Dense(512), BatchNorm(), ReLU(), Dropout(0.5), Dense(10))
    return net


def convnetjs_cifar10() -> Network:
    """The CIFAR-10 demonstration of Karpathy's ConvNetJS."""
    net = Network("convnetjs_cifar10", (3, 32, 32), "the ConvNetJS CIFAR-10 demonstration")
    for filters in (16, 20, 20):
        net.chain(Conv2d(filters, 5, padding=2), ReLU(), MaxPool(2))
    net.chain(Flatten(), Dense(10))
    return net
