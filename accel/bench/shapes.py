"""The convolutions that are measured: one layer for all, and those of ResNet-18."""

from typing import NamedTuple


class Shape(NamedTuple):
    """A square convolution, padded by half the kernel."""

    channels: int
    size: int
    filters: int
    kernel: int
    stride: int

    @property
    def padding(self) -> int:
        """Elements around the image."""
        return self.kernel // 2

    @property
    def out(self) -> int:
        """Windows in a row."""
        return (self.size + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def macs(self) -> int:
        """Multiplications for one image."""
        return self.out**2 * self.filters * self.kernel**2 * self.channels

    def __str__(self) -> str:
        """Input size x channels, kernel, filters, stride."""
        stride = f" /{self.stride}" if self.stride > 1 else ""
        return (
            f"{self.size}x{self.size}x{self.channels} {self.kernel}x{self.kernel}{stride}"
            f" to {self.filters}"
        )


#: The convolutions of ResNet-18, and how often each occurs; the usual example comes first.
RESNET18 = {
    Shape(128, 28, 128, 3, 1): 3,
    Shape(3, 224, 64, 7, 2): 1,
    Shape(64, 56, 64, 3, 1): 4,
    Shape(64, 56, 128, 3, 2): 1,
    Shape(64, 56, 128, 1, 2): 1,
    Shape(128, 28, 256, 3, 2): 1,
    Shape(128, 28, 256, 1, 2): 1,
    Shape(256, 14, 256, 3, 1): 3,
    Shape(256, 14, 512, 3, 2): 1,
    Shape(256, 14, 512, 1, 2): 1,
    Shape(512, 7, 512, 3, 1): 3,
}
