"""GoogLeNet (Szegedy et al. 2014): without its training-only classifiers."""

from accel.network import (
    LRN,
    Concat,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Network,
    ReLU,
)

#: Filters of each module, as in the paper's table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool.
INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def _conv(net: Network, name: str, source: str, filters: int, kernel: int, **options) -> str:
    """Convolution and ReLU, keeping the size; returns the ReLU's name."""
    conv = Conv2d(filters, kernel, padding=kernel // 2, **options)
    net.add(conv, source, name=f"{name}_conv")
    return net.add(ReLU(), name=f"{name}_relu")


def _inception(net: Network, name: str, source: str) -> str:
    """Four branches side by side, joined by channel; returns the join's name."""
    one, reduce3, three, reduce5, five, pooled = INCEPTION[name]
    pool = net.add(MaxPool(3, 1, padding=1), source, name=f"{name}_pool")
    narrow3 = _conv(net, f"{name}_3x3_reduce", source, reduce3, 1)
    narrow5 = _conv(net, f"{name}_5x5_reduce", source, reduce5, 1)
    return net.add(
        Concat(),
        _conv(net, f"{name}_1x1", source, one, 1),
        _conv(net, f"{name}_3x3", narrow3, three, 3),
        _conv(net, f"{name}_5x5", narrow5, five, 5),
        _conv(net, f"{name}_pool_1x1", pool, pooled, 1),
        name=f"{name}_concat",
    )


def googlenet() -> Network:
    """Stem, nine inception modules, global average, one dense layer."""
    net = Network("googlenet", (3, 224, 224), "GoogLeNet: nine inception modules")
    x = _conv(net, "1_7x7", net.INPUT, 64, 7, stride=2)  # -> 112x112
    net.chain(MaxPool(3, 2, ceil=True))  # -> 56x56
    x = net.chain(LRN())
    x = _conv(net, "2_3x3_reduce", x, 64, 1)
    x = _conv(net, "2_3x3", x, 192, 3)
    net.chain(LRN())
    x = net.chain(MaxPool(3, 2, ceil=True))  # -> 28x28
    for name in INCEPTION:
        if name in ("4a", "5a"):
            x = net.add(MaxPool(3, 2, ceil=True))  # -> 14x14, then 7x7
        x = _inception(net, name, x)
    net.chain(GlobalAveragePool(), Flatten(), Dropout(0.4), Dense(1000))
    return net
