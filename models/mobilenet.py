"""MobileNetV1 (Howard et al. 2017), a quarter as wide, for MLPerf Tiny's visual wake words."""

from accel.network import BatchNorm, Conv2d, Dense, Flatten, GlobalAveragePool, Network, ReLU

#: Filters and stride of the depthwise separable blocks, at full width.
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    *((512, 1),) * 5, (1024, 2), (1024, 1),
)  # fmt: skip
#: What the widths are divided by.
_DIVISOR = 4


def _conv(net: Network, filters: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
    """Convolution without bias, batch normalisation, ReLU."""
    conv = Conv2d(filters, kernel, stride=stride, padding="same", groups=groups, bias=False)
    net.chain(conv, BatchNorm(), ReLU())


def mobilenet() -> Network:
    """Thirteen blocks of a 3x3 convolution within each channel and a 1x1 one across them.

    96x96 colour images: is there a person in it, or not.
    """
    net = Network("mobilenet", (3, 96, 96), "MobileNetV1 0.25 for visual wake words")
    channels = 32 // _DIVISOR
    _conv(net, channels, 3, 2)
    for filters, stride in _BLOCKS:
        _conv(net, channels, 3, stride, groups=channels)
        channels = filters // _DIVISOR
        _conv(net, channels, 1)
    net.chain(GlobalAveragePool(), Flatten(), Dense(2))
    return net
