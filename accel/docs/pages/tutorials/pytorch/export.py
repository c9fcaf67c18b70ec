"""Trains a small network in PyTorch for a moment and writes it as ONNX; needs torch and onnx."""

import numpy as np
import onnx
import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions, the second one depthwise separable, and a classifier."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU(),
            nn.Conv2d(8, 16, 1), nn.SiLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classes = nn.Linear(16 * 7 * 7, 10)

    def forward(self, image):
        """Ten scores for each image."""
        return self.classes(self.features(image).flatten(1))


def main() -> None:
    """Learn from digits.npz, write net.onnx."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    with np.load("digits.npz") as file:
        images = torch.from_numpy(file["images"][:4000, None].astype(np.float32) / 255)
        labels = torch.from_numpy(file["labels"][:4000].astype(np.int64))
    net = Net()
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _epoch in range(5):
        for chosen in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
            optimiser.step()
    torch.onnx.export(
        net.eval(), (images[:1],), "net.onnx", input_names=["image"], output_names=["scores"],
        dynamic_shapes={"image": {0: torch.export.Dim("batch")}}, external_data=False, dynamo=True,
    )  # fmt: skip
    forget("net.onnx")


def forget(path: str) -> None:
    """Take out where on this machine each layer's Python lay, which the exporter notes."""
    model = onnx.load(path)
    del model.metadata_props[:]
    for part in (model.graph, *model.graph.node, *model.graph.value_info,
                 *model.graph.initializer, *model.graph.input, *model.graph.output):  # fmt: skip
        del part.metadata_props[:]
    onnx.save(model, path)


if __name__ == "__main__":
    main()
