"""Parameters and MACs of every network, by hand: sums written out, against the definitions."""

import numpy as np
import pytest

from accel import models


def conv(kernel, channels, filters, size, groups=1):
    """MACs of a square convolution: kw * kh * Cin / groups * Cout * Wout * Hout."""
    return kernel * kernel * channels // groups * filters * size * size


def test_notes():
    net = models.NETWORKS["notes"].build()
    assert net.macs == 3 * 3 * 4 * 4 + 4
    assert net.parameter_count == 3 * 3 + 4  # no bias
    assert net.output_shape == (1,)


def test_shallow():
    net = models.NETWORKS["shallow"].build()
    assert net.macs == 3 * 3 * 1 * 8 * 28 * 28 + 3 * 3 * 8 * 16 * 14 * 14 + 7 * 7 * 16 * 10
    assert net.parameter_count == (9 * 8 + 8) + (9 * 8 * 16 + 16) + (784 * 10 + 10)


def test_lenet5():
    net = models.NETWORKS["lenet5"].build()
    convolutions = 5 * 5 * 1 * 6 * 28 * 28 + 5 * 5 * 6 * 16 * 10 * 10
    assert net.macs == convolutions + 400 * 120 + 120 * 84 + 84 * 10 == 416_520
    assert net.parameter_count == (
        (25 + 1) * 6 + (150 + 1) * 16 + (400 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10
    ) == 61_706  # the figure of most courses


def test_minivggnet():
    net = models.NETWORKS["minivggnet"].build()
    assert net.macs == (
        conv(3, 3, 32, 32) + conv(3, 32, 32, 32)
        + conv(3, 32, 64, 16) + conv(3, 64, 64, 16)
        + 4096 * 512 + 512 * 10
    )  # fmt: skip
    trained = (27 + 1) * 32 + (288 + 1) * 32 + (288 + 1) * 64 + (576 + 1) * 64
    norms = 2 * (32 + 32 + 64 + 64 + 512)
    assert net.parameter_count == trained + norms + (4096 + 1) * 512 + (512 + 1) * 10


def test_convnetjs_cifar10():
    net = models.NETWORKS["convnetjs_cifar10"].build()
    assert net.macs == (
        conv(5, 3, 16, 32) + conv(5, 16, 20, 16) + conv(5, 20, 20, 8) + 4 * 4 * 20 * 10
    )
    assert net.parameter_count == (
        (75 + 1) * 16 + (400 + 1) * 20 + (500 + 1) * 20 + (320 + 1) * 10
    )


def test_alexnet():
    net = models.NETWORKS["alexnet"].build()
    assert net.macs == (
        conv(11, 3, 96, 55) + conv(5, 96, 256, 27, groups=2) + conv(3, 256, 384, 13)
        + conv(3, 384, 384, 13, groups=2) + conv(3, 384, 256, 13, groups=2)
        + 9216 * 4096 + 4096 * 4096 + 4096 * 1000
    )  # fmt: skip
    assert round(net.macs / 1e6) == 724
    assert round(net.parameter_count / 1e6) == 61  # the paper says 60 million


def test_vgg16():
    net = models.NETWORKS["vgg16"].build()
    shapes = (
        (3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56),
        (256, 256, 56), (256, 256, 56), (256, 512, 28), (512, 512, 28), (512, 512, 28),
        (512, 512, 14), (512, 512, 14), (512, 512, 14),
    )  # fmt: skip
    macs = sum(conv(3, channels, filters, size) for channels, filters, size in shapes)
    assert net.macs == macs + 25088 * 4096 + 4096 * 4096 + 4096 * 1000
    assert net.parameter_count == 138_357_544  # the figure of most model zoos


#: Inception modules as in table 1 of the paper: inputs, size, then filters of 1x1, 3x3 reduce,
#: 3x3, 5x5 reduce, 5x5, pool projection.
MODULES = (
    (192, 28, 64, 96, 128, 16, 32, 32),
    (256, 28, 128, 128, 192, 32, 96, 64),
    (480, 14, 192, 96, 208, 16, 48, 64),
    (512, 14, 160, 112, 224, 24, 64, 64),
    (512, 14, 128, 128, 256, 24, 64, 64),
    (512, 14, 112, 144, 288, 32, 64, 64),
    (528, 14, 256, 160, 320, 32, 128, 128),
    (832, 7, 256, 160, 320, 32, 128, 128),
    (832, 7, 384, 192, 384, 48, 128, 128),
)


def test_googlenet():
    net = models.NETWORKS["googlenet"].build()
    macs = conv(7, 3, 64, 112) + conv(1, 64, 64, 56) + conv(3, 64, 192, 56)
    for channels, size, one, reduce3, three, reduce5, five, pool in MODULES:
        macs += conv(1, channels, one + reduce3 + reduce5 + pool, size)
        macs += conv(3, reduce3, three, size) + conv(5, reduce5, five, size)
    assert net.macs == macs + 1024 * 1000
    assert round(net.macs / 1e9, 2) == 1.58
    assert net.parameter_count == 6_998_552  # 7.0 million
    assert net.shape_of("3a_concat") == (256, 28, 28)
    assert net.shape_of("5b_concat") == (1024, 7, 7)


def basic_stages(blocks):
    """MACs of the four stages of ResNet-18 and -34."""
    macs, channels = 0, 64
    for filters, size, count in zip((64, 128, 256, 512), (56, 28, 14, 7), blocks, strict=True):
        macs += conv(3, channels, filters, size) + conv(3, filters, filters, size)
        macs += (count - 1) * 2 * conv(3, filters, filters, size)
        if channels != filters:
            macs += conv(1, channels, filters, size)  # shortcut
        channels = filters
    return macs


@pytest.mark.parametrize(
    "name, blocks, giga, parameters",
    [("resnet18", (2, 2, 2, 2), 1.81, 11_689_512), ("resnet34", (3, 4, 6, 3), 3.66, 21_797_672)],
)
def test_resnets_of_basic_blocks(name, blocks, giga, parameters):
    net = models.NETWORKS[name].build()
    assert net.macs == conv(7, 3, 64, 112) + basic_stages(blocks) + 512 * 1000
    assert round(net.macs / 1e9, 2) == giga
    assert net.parameter_count == parameters


def test_resnet50():
    net = models.NETWORKS["resnet50"].build()
    macs, channels, before = conv(7, 3, 64, 112), 64, 56
    stages = zip((64, 128, 256, 512), (56, 28, 14, 7), (3, 4, 6, 3), strict=True)
    for filters, size, count in stages:
        wide = 4 * filters
        macs += conv(1, channels, filters, before)  # the 3x3 after it has the stride
        macs += conv(3, filters, filters, size) + conv(1, filters, wide, size)
        macs += conv(1, channels, wide, size)  # shortcut
        macs += (count - 1) * (
            conv(1, wide, filters, size) + conv(3, filters, filters, size)
            + conv(1, filters, wide, size)
        )  # fmt: skip
        channels, before = wide, size
    assert net.macs == macs + 2048 * 1000
    assert round(net.macs / 1e9, 2) == 4.09
    assert net.parameter_count == 25_557_032


@pytest.mark.parametrize("name", models.NETWORKS)
def test_every_definition_builds_under_its_name(name):
    net = models.NETWORKS[name].build()
    assert net.name == name
    assert net.summary
    assert not net.parameters()  # weights exist only when asked for


def test_weights_follow_from_the_seed():
    def weights(seed):
        net = models.NETWORKS["lenet5"].build()
        net.initialise(seed)
        return np.concatenate([array.ravel() for array in net.parameters().values()])

    assert len(weights(1)) == 61_706
    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_mobilenet():
    net = models.NETWORKS["mobilenet"].build()
    # Channels and size behind each of the thirteen blocks.
    blocks = [(16, 48), (32, 24), (32, 24), (64, 12), (64, 12), *[(128, 6)] * 6, (256, 3), (256, 3)]
    macs, parameters, channels = conv(3, 3, 8, 48), 27 * 8 + 2 * 8, 8
    for filters, size in blocks:
        macs += conv(3, channels, channels, size, groups=channels)
        macs += conv(1, channels, filters, size)
        parameters += 9 * channels + 2 * channels + channels * filters + 2 * filters
        channels = filters
    assert net.macs == macs + 256 * 2 == 7_489_664
    assert net.parameter_count == parameters + 256 * 2 + 2
    assert net.output_shape == (2,)


def test_mobilenets_and_squeezenet_as_published():
    """Parameters as counted by everybody; batch normalisation has two a channel."""
    found = {name: models.NETWORKS[name].build()
             for name in ("mobilenet_v1", "mobilenet_v2", "mnasnet", "squeezenet")}  # fmt: skip
    assert {name: net.parameter_count for name, net in found.items()} == {
        "mobilenet_v1": 4_231_976, "mobilenet_v2": 3_504_872, "mnasnet": 4_383_312,
        "squeezenet": 1_235_496,
    }  # fmt: skip
    # Howard et al. say 569 million multiplications, Sandler et al. 300, Tan et al. 315.
    assert {name: round(net.macs / 1e6) for name, net in found.items()} == {
        "mobilenet_v1": 569, "mobilenet_v2": 301, "mnasnet": 314, "squeezenet": 349,
    }  # fmt: skip
    assert {net.output_shape for net in found.values()} == {(1000,)}


def test_mobilenet_v2_has_ten_shortcuts_between_narrow_layers():
    net = models.NETWORKS["mobilenet_v2"].build()
    sums = [node for node in net.nodes if node.layer.op == "add"]
    assert [node.shape[0] for node in sums] == [24, 32, 32, 64, 64, 64, 96, 96, 160, 160]
    depthwise = [node for node in net.nodes
                 if node.layer.op == "conv" and node.layer.groups > 1]  # fmt: skip
    assert len(depthwise) == 17
    assert all(node.layer.groups == node.shape[0] == node.shapes[0][0] for node in depthwise)


def test_squeezenets_fire_modules():
    net = models.NETWORKS["squeezenet"].build()
    assert [node.shape for node in net.nodes if node.layer.op == "concat"] == [
        (128, 55, 55), (128, 55, 55), (256, 27, 27), (256, 27, 27), (384, 13, 13), (384, 13, 13),
        (512, 13, 13), (512, 13, 13),
    ]  # fmt: skip
