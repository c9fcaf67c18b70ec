"""SqueezeNet 1.1 (Iandola et al. 2016): few channels between wide layers, no dense one at all."""

from accel.network import (
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Network,
    ReLU,
)

#: The fire modules between the pools: filters that squeeze, and of each of the two that expand.
_STAGES = (((16, 64),) * 2, ((32, 128),) * 2, ((48, 192),) * 2 + ((64, 256),) * 2)


def _conv(net: Network, name: str, source: str, filters: int, kernel: int) -> str:
    """Convolution and ReLU, keeping the size; returns the ReLU's name."""
    net.add(Conv2d(filters, kernel, padding=kernel // 2), source, name=f"{name}_conv")
    return net.add(ReLU(), name=f"{name}_relu")


def _fire(net: Network, name: str, source: str, squeeze: int, expand: int) -> None:
    """1x1 to few channels, then 1x1 and 3x3 side by side."""
    narrow = _conv(net, f"{name}_squeeze", source, squeeze, 1)
    one = _conv(net, f"{name}_1x1", narrow, expand, 1)
    three = _conv(net, f"{name}_3x3", narrow, expand, 3)
    net.add(Concat(), one, three, name=f"{name}_concat")


def squeezenet() -> Network:
    """Eight fire modules; the classes' scores are averages of a 1x1 convolution."""
    net = Network("squeezenet", (3, 224, 224), "SqueezeNet 1.1 for ImageNet")
    net.chain(Conv2d(64, 3, stride=2), ReLU())  # -> 111x111
    number = 2
    for stage in _STAGES:
        net.chain(MaxPool(3, 2, ceil=True))  # -> 55x55, 27x27, 13x13
        for squeeze, expand in stage:
            _fire(net, f"fire{number}", net.nodes[-1].name, squeeze, expand)
            number += 1
    net.chain(Dropout(0.5), Conv2d(1000, 1), ReLU(), GlobalAveragePool(), Flatten())
    return net
