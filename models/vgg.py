"""VGG networks (Simonyan, Zisserman 2014): only 3x3 convolutions and 2x2 pools."""

from accel.network import Conv2d, Dense, Dropout, Flatten, MaxPool, Network, ReLU

#: Filters of each convolution of configuration D, by stage; a pool ends each stage.
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16() -> Network:
    """Thirteen convolutions in five stages, and three dense layers."""
    net = Network("vgg16", (3, 224, 224), "VGG-16: configuration D")
    for stage in STAGES:
        for filters in stage:
            net.chain(Conv2d(filters, 3, padding=1), ReLU())
        net.chain(MaxPool(2, 2))  # -> 112x112, 56x56, 28x28, 14x14, 7x7
    net.chain(
        Flatten(),
        Dense(4096), ReLU(), Dropout(0.5),
        Dense(4096), ReLU(), Dropout(0.5),
        Dense(1000),
    )  # fmt: skip
    return net
