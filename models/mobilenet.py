"""MobileNets: convolutions split into one within each channel and a 1x1 one across them.

Version 1 (Howard et al. 2017), as published and a quarter as wide for MLPerf Tiny's visual wake
words, and version 2 (Sandler et al. 2018).  Where the papers' own networks clamp at 6 (ReLU6),
these do not: to an int8 network both are a clamp.  Those for ImageNet pad as PyTorch's do, half a
kernel on every side; that for visual wake words as TensorFlow's, below and right first.
"""

from accel.network import (
    Add,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Network,
    ReLU,
)

#: Filters and stride of the depthwise separable blocks, at full width.
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    *((512, 1),) * 5, (1024, 2), (1024, 1),
)  # fmt: skip
#: Version 2: how many times as wide a block is inside, its filters, how often it is repeated, and
#: the first one's stride.
_INVERTED = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip


def conv(net: Network, filters: int, kernel: int, stride: int = 1, groups: int = 1,
         padding: int | str | None = None) -> None:
    """Convolution without bias, batch normalisation, ReLU; padded by half the kernel."""
    padding = kernel // 2 if padding is None else padding
    layer = Conv2d(filters, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    net.chain(layer, BatchNorm(), ReLU())


def _separable(net: Network, divisor: int, classes: int, padding: str | None = None) -> Network:
    """Thirteen blocks of a 3x3 convolution within each channel and a 1x1 one across them.

    All widths are divided by ``divisor``.
    """
    channels = 32 // divisor
    conv(net, channels, 3, 2, padding=padding)
    for filters, stride in _BLOCKS:
        conv(net, channels, 3, stride, groups=channels, padding=padding)
        channels = filters // divisor
        conv(net, channels, 1)
    net.chain(GlobalAveragePool(), Flatten(), Dense(classes))
    return net


def mobilenet() -> Network:
    """Version 1 on 96x96 colour images: is there a person in it, or not."""
    net = Network("mobilenet", (3, 96, 96), "MobileNetV1 0.25 for visual wake words")
    return _separable(net, 4, 2, padding="same")


def mobilenet_v1() -> Network:
    """Version 1 in its full width."""
    return _separable(Network("mobilenet_v1", (3, 224, 224), "MobileNetV1 for ImageNet"), 1, 1000)


def inverted(net: Network, source: str, wider: int, filters: int, stride: int,
             kernel: int = 3, shortcut_first: bool = False) -> str:
    """1x1 to more channels, 3x3 within each, 1x1 to few without ReLU; around a shortcut.

    ``shortcut_first``: which operand of the addition it is.
    """
    channels = net.shape_of(source)[0]
    inner = wider * channels
    if wider > 1:
        conv(net, inner, 1)
    conv(net, inner, kernel, stride, groups=inner)
    last = net.chain(Conv2d(filters, 1, bias=False), BatchNorm())
    if stride == 1 and channels == filters:
        last = net.add(Add(), *((source, last) if shortcut_first else (last, source)))
    return last


def mobilenet_v2() -> Network:
    """Version 2: seventeen inverted residual blocks, narrow between them and wide inside."""
    net = Network("mobilenet_v2", (3, 224, 224), "MobileNetV2 for ImageNet")
    conv(net, 32, 3, 2)
    last = net.nodes[-1].name
    for wider, filters, count, stride in _INVERTED:
        for number in range(count):
            last = inverted(net, last, wider, filters, 1 if number else stride,
                            shortcut_first=True)
    conv(net, 1280, 1)
    net.chain(GlobalAveragePool(), Flatten(), Dropout(0.2), Dense(1000))
    return net
