"""Residual networks for ImageNet (He et al. 2015), with 18, 34 or 50 weighted layers.

In the bottleneck blocks the 3x3 convolution carries the stride, as in all well-known
implementations (the paper's first 1x1 did).
"""

from accel.network import (
    Add,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Network,
    ReLU,
)


def _conv(net: Network, name: str, source: str, filters: int, kernel: int, stride: int = 1) -> str:
    """Convolution without bias, and batch normalisation; returns the latter's name."""
    conv = Conv2d(filters, kernel, stride=stride, padding=kernel // 2, bias=False)
    net.add(conv, source, name=f"{name}_conv")
    return net.add(BatchNorm(), name=f"{name}_norm")


def _relu(net: Network, name: str) -> str:
    return net.add(ReLU(), name=f"{name}_relu")


def _finish(net: Network, name: str, source: str, inner: str, filters: int, stride: int) -> str:
    """Add the shortcut, by a 1x1 convolution where the shape changes, and the last ReLU."""
    shortcut = source
    if net.shape_of(source) != net.shape_of(inner):
        shortcut = _conv(net, f"{name}_shortcut", source, filters, 1, stride)
    net.add(Add(), inner, shortcut, name=f"{name}_add")
    return _relu(net, name)


def _basic(net: Network, name: str, source: str, filters: int, stride: int) -> str:
    """Two 3x3 convolutions around a shortcut."""
    _conv(net, f"{name}_a", source, filters, 3, stride)
    inner = _conv(net, f"{name}_b", _relu(net, f"{name}_a"), filters, 3)
    return _finish(net, name, source, inner, filters, stride)


def _bottleneck(net: Network, name: str, source: str, filters: int, stride: int) -> str:
    """1x1 to few channels, 3x3 on those, 1x1 to four times as many, around a shortcut."""
    _conv(net, f"{name}_a", source, filters, 1)
    _conv(net, f"{name}_b", _relu(net, f"{name}_a"), filters, 3, stride)
    inner = _conv(net, f"{name}_c", _relu(net, f"{name}_b"), 4 * filters, 1)
    return _finish(net, name, source, inner, 4 * filters, stride)


def _resnet(name: str, block, blocks: tuple[int, ...]) -> Network:
    """Stem, four stages of blocks, global average, one dense layer."""
    net = Network(name, (3, 224, 224), f"{name.replace('resnet', 'ResNet-')} for ImageNet")
    _conv(net, "stem", net.INPUT, 64, 7, 2)  # -> 112x112
    _relu(net, "stem")
    x = net.add(MaxPool(3, 2, padding=1))  # -> 56x56
    for stage, count in enumerate(blocks):
        for number in range(count):
            stride = 2 if stage and not number else 1
            x = block(net, f"{stage + 2}{'abcdef'[number]}", x, 64 << stage, stride)
    net.chain(GlobalAveragePool(), Flatten(), Dense(1000))
    return net


def resnet18() -> Network:
    """Eight basic blocks."""
    return _resnet("resnet18", _basic, (2, 2, 2, 2))


def resnet34() -> Network:
    """Sixteen basic blocks."""
    return _resnet("resnet34", _basic, (3, 4, 6, 3))


def resnet50() -> Network:
    """Sixteen bottleneck blocks."""
    return _resnet("resnet50", _bottleneck, (3, 4, 6, 3))
