"""MnasNet-B1 (Tan et al. 2019): inverted blocks of 3x3 and 5x5 kernels, found by search."""

from accel.models.mobilenet import conv, inverted
from accel.network import Dense, Dropout, Flatten, GlobalAveragePool, Network

#: Kernel, how many times as wide a block is inside, its filters, how often it is repeated, and the
#: first one's stride.
_BLOCKS = (
    (3, 1, 16, 1, 1), (3, 3, 24, 3, 2), (5, 3, 40, 3, 2), (5, 6, 80, 3, 2), (3, 6, 96, 2, 1),
    (5, 6, 192, 4, 2), (3, 6, 320, 1, 1),
)  # fmt: skip


def mnasnet() -> Network:
    """Seventeen blocks, as PyTorch's ``mnasnet1_0`` has them."""
    net = Network("mnasnet", (3, 224, 224), "MnasNet 1.0 for ImageNet")
    conv(net, 32, 3, 2)
    last = net.nodes[-1].name
    for kernel, wider, filters, count, stride in _BLOCKS:
        for number in range(count):
            last = inverted(net, last, wider, filters, 1 if number else stride, kernel)
    conv(net, 1280, 1)
    net.chain(GlobalAveragePool(), Flatten(), Dropout(0.2), Dense(1000))
    return net
