"""Small networks of the kinds that people use, for the tests: made once, kept in tests/data/zoo.

    python -m tests.support.zoo_sample export FOLDER      (needs torch and torchvision)
    python -m tests.support.zoo_sample quantise FOLDER

The first writes FOLDER/NAME.EXPORTER.onnx (float) and NAME.npz (images), the second quantises them
in the usual ways (tests/support/zoo.py) and puts those files into tests/data/zoo that FILES names.
The architectures are real ones with fewer channels and layers, so that a file stays below 200 kB;
weights are random, and batch normalisation has the statistics of the images.
"""

import argparse
import pathlib
import warnings

import numpy as np

DATA = pathlib.Path(__file__).parents[1] / "data" / "zoo"
#: Which files the tests have: a network and its exporter, and the forms (tests/support/zoo.py).
FILES = {
    "mobilenet_v3.dynamo": ("qoperator", "s8"), "shufflenet_v2.legacy": ("qoperator",),
    "unet_convt.dynamo": ("u8",), "unet_nearest.legacy": ("qoperator",),
    "yolov8.dynamo": ("qoperator", "accel"), "convnext.legacy": ("s8", "accel"),
    "vit.dynamo": ("u8",), "kws1d.legacy": ("qoperator",),
}  # fmt: skip
IMAGES = 4


def mobilenet_v3():
    """Squeeze-and-excitation gates, HardSwish, residuals."""
    from torchvision.models.mobilenetv3 import InvertedResidualConfig as Block
    from torchvision.models.mobilenetv3 import MobileNetV3

    settings = [Block(8, 3, 8, 8, True, "RE", 2, 1, 1), Block(8, 3, 24, 12, False, "RE", 2, 1, 1),
                Block(12, 5, 24, 12, True, "HS", 1, 1, 1), Block(12, 5, 32, 16, True, "HS", 2, 1,
                                                                 1)]  # fmt: skip
    return MobileNetV3(settings, 32, num_classes=10), (3, 32, 32)


def shufflenet_v2():
    """Channel shuffles and splits."""
    from torchvision.models.shufflenetv2 import ShuffleNetV2

    return ShuffleNetV2([2, 2, 1], [8, 16, 24, 32, 32], num_classes=10), (3, 32, 32)


def unet(up):
    """An encoder and a decoder, with transposed convolutions or enlargement."""
    from torch import nn
    from torch.nn import functional

    def double(inputs, outputs):
        layers = []
        for source in (inputs, outputs):
            layers += [nn.Conv2d(source, outputs, 3, padding=1, bias=False),
                       nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers)

    def enlarged(inputs, outputs):
        if up == "convt":
            return nn.ConvTranspose2d(inputs, outputs, 2, 2)
        return nn.Sequential(nn.Upsample(scale_factor=2, mode=up), nn.Conv2d(inputs, outputs, 1))

    class UNet(nn.Module):
        def __init__(self, wide=4):
            super().__init__()
            sizes = [wide, 2 * wide, 4 * wide]
            self.down = nn.ModuleList(map(double, [3, *sizes[:2]], sizes))
            self.up = nn.ModuleList(map(enlarged, sizes[:0:-1], sizes[-2::-1]))
            self.join = nn.ModuleList(map(double, sizes[:0:-1], sizes[-2::-1]))
            self.last = nn.Conv2d(wide, 2, 1)

        def forward(self, x):
            seen = [x := self.down[0](x)]
            for layer in self.down[1:]:
                seen.append(x := layer(functional.max_pool2d(x, 2)))
            seen.pop()
            for enlarge, join in zip(self.up, self.join, strict=True):
                x = join(torch_cat([enlarge(x), seen.pop()]))
            return self.last(x)

    return UNet(), (3, 24, 24)


def torch_cat(parts):
    import torch

    return torch.cat(parts, 1)


def yolov8():
    """SiLU, split and joined channels, pooling pyramid, enlargement, two heads."""
    from torch import nn

    def layer(inputs, outputs, kernel=1, stride=1):
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                             nn.BatchNorm2d(outputs), nn.SiLU())

    class Split(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            half = outputs // 2
            self.first, self.last = layer(inputs, outputs), layer(3 * half, outputs)
            self.inner = nn.Sequential(layer(half, half, 3), layer(half, half, 3))

        def forward(self, x):
            one, other = self.first(x).chunk(2, 1)
            return self.last(torch_cat([one, other, other + self.inner(other)]))

    class Yolo(nn.Module):
        def __init__(self, wide=8):
            super().__init__()
            self.stem = nn.Sequential(layer(3, wide, 3, 2), layer(wide, wide, 3, 2),
                                      Split(wide, wide))
            self.deep = nn.Sequential(layer(wide, 2 * wide, 3, 2), Split(2 * wide, 2 * wide))
            self.pool, self.pooled = nn.MaxPool2d(5, 1, 2), layer(8 * wide, 2 * wide)
            self.up, self.join = nn.Upsample(scale_factor=2), Split(3 * wide, wide)
            self.heads = nn.ModuleList([nn.Conv2d(wide, 12, 1), nn.Conv2d(2 * wide, 12, 1)])

        def forward(self, x):
            x = self.stem(x)
            pools = [self.deep(x)]
            for _ in range(3):
                pools.append(self.pool(pools[-1]))
            y = self.pooled(torch_cat(pools))
            return self.heads[0](self.join(torch_cat([self.up(y), x]))), self.heads[1](y)

    return Yolo(), (3, 48, 48)


def convnext():
    """Layer normalisation over channels-last tensors, pointwise layers as matrix products, GELU."""
    from torchvision.models.convnext import CNBlockConfig as Block
    from torchvision.models.convnext import ConvNeXt

    return ConvNeXt([Block(8, 16, 1), Block(16, None, 1)], num_classes=10,
                    layer_scale=1.0), (3, 32, 32)


def vit():
    """Attention."""
    from torchvision.models.vision_transformer import VisionTransformer

    network = VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10)
    network.heads.head.reset_parameters()  # they begin as zeros
    return network, (3, 32, 32)


def kws1d():
    """One-dimensional convolutions on sound."""
    from torch import nn

    def layer(inputs, outputs, kernel, stride):
        return nn.Sequential(
            nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm1d(outputs), nn.ReLU(), nn.MaxPool1d(4))

    return nn.Sequential(layer(1, 16, 40, 4), layer(16, 16, 3, 1), layer(16, 32, 3, 1),
                         nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 12)), (1, 2000)


NETWORKS = {
    "mobilenet_v3": mobilenet_v3, "shufflenet_v2": shufflenet_v2,
    "unet_convt": lambda: unet("convt"), "unet_nearest": lambda: unet("nearest"),
    "yolov8": yolov8, "convnext": convnext, "vit": vit, "kws1d": kws1d,
}  # fmt: skip


def paths() -> list[pathlib.Path]:
    """The quantised files."""
    return [DATA / f"{stem}.{form}.onnx" for stem, forms in FILES.items() for form in forms]


def images(shape) -> np.ndarray:
    """The images of a network."""
    return np.random.default_rng(2).standard_normal((IMAGES, *shape)).astype(np.float32)


def export(folder: pathlib.Path) -> None:
    """Write the float files and images."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    for stem in FILES:
        name, exporter = stem.split(".")
        torch.manual_seed(1)
        network, shape = NETWORKS[name]()
        given = images(shape)
        network.train()
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.momentum = None
                module.reset_running_stats()
        with torch.no_grad():
            network(torch.from_numpy(given))
        np.savez(folder / f"{name}.npz", images=given)
        options = {"opset_version": 18, "dynamo": True, "external_data": False}
        if exporter == "legacy":
            options = {"opset_version": 13, "dynamo": False}
        torch.onnx.export(network.eval(), (torch.from_numpy(given[:1]),),
                          str(folder / f"{stem}.onnx"), input_names=["x"], **options)


def _strip(model) -> None:
    """Leave out what exporters note beside the network: where in whose files it was written."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    del graph.value_info[:]


def quantise(folder: pathlib.Path) -> None:
    """Put the quantised files into tests/data/zoo."""
    import onnx

    from tests.support import zoo

    DATA.mkdir(parents=True, exist_ok=True)
    for stem, forms in FILES.items():
        for form in forms:
            model = onnx.load(zoo.quantised(folder / f"{stem}.onnx", form))
            _strip(model)
            target = DATA / f"{stem}.{form}.onnx"
            onnx.save(model, target)
            print(f"{target.name}: {target.stat().st_size:,} bytes")


def main() -> None:
    """Run one of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["export", "quantise"])
    parser.add_argument("folder", type=pathlib.Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    {"export": export, "quantise": quantise}[given.step](given.folder)


if __name__ == "__main__":
    main()
