"""SCALE-Sim's topology files: one layer a row, convolutions or matrix products.

A header row, which SCALE-Sim skips whatever it says, then for a convolution: name, input height,
input width, filter height, filter width, channels, filters, stride and optionally a sparsity
ratio, each followed by a comma.  A file whose header's second column is "M" lists matrix products:
name, M, N, K.  Blank rows, and rows of nothing but commas, are skipped.  There is no padding in
these files.
"""

import dataclasses
import pathlib

from accel.scalesim.errors import ScaleSimError, read_lines

_CONV = (
    "IFMAP Height", "IFMAP Width", "Filter Height", "Filter Width", "Channels", "Num Filter",
    "Strides",
)  # fmt: skip
_GEMM = ("M", "N", "K")
#: SCALE-Sim takes a layer with this in its name for a depthwise convolution.
_DEPTHWISE = "DP"
#: Larger numbers are mistakes.
_LARGEST = 1 << 24


@dataclasses.dataclass(frozen=True)
class Layer:
    """A convolution without padding, as SCALE-Sim sees it.

    A ``depthwise`` one is computed channel by channel, each with all ``filters``.
    """

    name: str
    height: int
    width: int
    kernel: tuple[int, int]
    channels: int
    filters: int
    stride: int = 1
    depthwise: bool = False

    @property
    def pixels(self) -> int:
        """M: output pixels.  SCALE-Sim rounds output sizes up: a last window may be incomplete."""
        height, width = (
            -(-(size - kernel) // self.stride) + 1
            for size, kernel in zip((self.height, self.width), self.kernel, strict=True)
        )
        return height * width

    @property
    def reduction(self) -> int:
        """K: multiplications of an output."""
        return self.kernel[0] * self.kernel[1] * (1 if self.depthwise else self.channels)

    @property
    def copies(self) -> int:
        """How many times SCALE-Sim computes the M x K x filters product."""
        return self.channels if self.depthwise else 1

    @property
    def macs(self) -> int:
        """Multiplications, those of incomplete windows included."""
        return self.copies * self.pixels * self.reduction * self.filters


def read_topology(path: pathlib.Path) -> list[Layer]:
    """The layers of a topology file.

    Raises:
        ScaleSimError: naming file, line, layer, rule and value.
    """
    lines = read_lines(path)
    header = [cell.strip() for cell in (lines or [""])[0].split(",")]
    if len(header) < 2 or header[1].isdecimal():
        raise ScaleSimError(
            f"{path}, line 1: must be the header row, which SCALE-Sim skips, not {lines[:1]}"
        )
    read = _gemm if header[1].upper() == "M" else _conv
    layers = []
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line.split(",")]
        if any(cells):
            layers.append(read(cells, f"{path}, line {number}"))
    if not layers:
        raise ScaleSimError(f"{path}: must list at least one layer below its header row")
    return layers


def _numbers(cells: list[str], columns: tuple[str, ...], where: str) -> list[int]:
    """The positive integers of ``columns``, which follow the layer's name."""
    if len(cells) <= len(columns):
        raise ScaleSimError(
            f"{where}: layer {cells[0]!r} must have {len(columns) + 1} columns "
            f"(name, {', '.join(columns)}), not {len(cells)}"
        )
    numbers = []
    for column, cell in zip(columns, cells[1:], strict=False):
        if not (cell.isascii() and cell.isdecimal()) or not 1 <= int(cell) <= _LARGEST:
            raise ScaleSimError(
                f"{where}: layer {cells[0]!r}: {column!r} must be an integer from 1 to "
                f"{_LARGEST}, not {cell!r}"
            )
        numbers.append(int(cell))
    return numbers


def _conv(cells: list[str], where: str) -> Layer:
    height, width, *kernel, channels, filters, stride = _numbers(cells, _CONV, where)
    for side, size, taps in zip(("Height", "Width"), (height, width), kernel, strict=True):
        if taps > size:
            raise ScaleSimError(
                f"{where}: layer {cells[0]!r}: 'Filter {side}' must be at most the "
                f"'IFMAP {side}' {size}, not {taps}"
            )
    ratio = cells[len(_CONV) + 1 :][:1]
    if ratio and ":" in ratio[0] and ratio[0].replace(" ", "") != "1:1":
        raise ScaleSimError(
            f"{where}: layer {cells[0]!r}: sparsity must be 1:1 (dense), not {ratio[0]!r}"
        )
    return Layer(
        cells[0], height, width, tuple(kernel), channels, filters, stride, _DEPTHWISE in cells[0]
    )


def _gemm(cells: list[str], where: str) -> Layer:
    """An M x K by K x N product: a 1x1 convolution over M pixels of K channels."""
    pixels, filters, reduction = _numbers(cells, _GEMM, where)
    return Layer(cells[0], pixels, 1, (1, 1), reduction, filters)
