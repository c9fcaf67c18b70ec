"""SCALE-Sim's topology files: one layer a row, convolutions or matrix products.

A header row, then for a convolution: name, input height, input width, filter height, filter width,
channels, filters, stride, optionally a second stride (then the first is that of the rows) and
optionally a sparsity ratio, each followed by a comma.  A file whose header's second column is "M"
lists matrix products: name, M, N, K and optionally a sparsity ratio.  Blank rows, and rows of
nothing but commas, are skipped.  There is no padding in these files.

SCALE-Sim goes by the columns' places whatever the header says.  So do we, but a header that says
something else is an error, and so is a value in a column that it does not name: what nobody
understands must not be left out of the counts.  Behind an empty column stand people's notes.
"""

import dataclasses
import pathlib
import re

from accel.errors import shown
from accel.scalesim.errors import ScaleSimError, read_lines, whole_number

_CONV = (
    "IFMAP Height", "IFMAP Width", "Filter Height", "Filter Width", "Channels", "Num Filter",
    "Strides",
)  # fmt: skip
_GEMM = ("M", "N", "K")
#: One of these words, or one or two letters that begin as it does, is in the header of a column.
_WORDS = {
    "IFMAP Height": ("ifmap", "input", "height"), "IFMAP Width": ("ifmap", "input", "width"),
    "Filter Height": ("filter", "kernel", "height"), "Filter Width": ("filter", "kernel", "width"),
    "Channels": ("channels", "channel"), "Num Filter": ("num", "filters", "outputs"),
    "Strides": ("strides", "stride"), "Stride Width": ("strides", "stride"),
    "Sparsity": ("sparsity", "sparse"), "M": ("m",), "N": ("n",), "K": ("k",),
}  # fmt: skip
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
    strides: tuple[int, int] = (1, 1)
    depthwise: bool = False

    @property
    def pixels(self) -> int:
        """M: output pixels.  SCALE-Sim rounds output sizes up: a last window may be incomplete."""
        height, width = (
            -(-(size - kernel) // stride) + 1
            for size, kernel, stride in zip(
                (self.height, self.width), self.kernel, self.strides, strict=True
            )
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
            f"{path}, line 1: must be the header row, which SCALE-Sim skips, not {shown(lines[:1])}"
        )
    gemm = header[1].upper() == "M"
    columns = _columns(header, _GEMM if gemm else _CONV, f"{path}, line 1")
    layers = []
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line.split(",")]
        if any(cells):
            where = f"{path}, line {number}: layer {shown(cells[0])}"
            numbers = _numbers(cells, columns, where)
            layers.append((_gemm if gemm else _conv)(cells[0], numbers, where))
    if not layers:
        raise ScaleSimError(f"{path}: must list at least one layer below its header row")
    return layers


def _columns(header: list[str], known: tuple[str, ...], where: str) -> tuple[str, ...]:
    """What each column behind the name is, up to the first one without a header.

    Raises:
        ScaleSimError: the header names something else.
    """
    columns = list(known)
    for place, name in enumerate(header[1:]):
        if place >= len(known) and not name:
            break
        if place == len(_CONV) and _says(name, "Stride Width") and known is _CONV:
            columns.append("Stride Width")
        elif place >= len(known) and _says(name, "Sparsity"):
            columns.append("Sparsity")
        elif place >= len(columns) or not _says(name, columns[place]):
            wanted = columns[place] if place < len(columns) else "Sparsity, or nothing"
            raise ScaleSimError(
                f"{where}: column {place + 2} must be {wanted}, not {shown(name)}, which is not "
                "understood"
            )
    return tuple(columns)


def _says(name: str, column: str) -> bool:
    """Whether a header may stand for a column."""
    words = re.findall("[a-z]+", name.lower())
    return any(
        word == known or len(word) <= 2 and word[0] == known[0]
        for word in words for known in _WORDS[column]
    )  # fmt: skip


def _numbers(cells: list[str], columns: tuple[str, ...], where: str) -> dict[str, int]:
    """The positive integers of a row, by column."""
    needed = [column for column in columns if column != "Sparsity"]
    if len(cells) <= len(needed):
        raise ScaleSimError(
            f"{where} must have {len(needed) + 1} columns (name, {', '.join(needed)}), "
            f"not {len(cells)}"
        )
    numbers = {}
    for column, cell in zip(needed, cells[1:], strict=False):
        numbers[column] = whole_number(cell)
        if not 1 <= numbers[column] <= _LARGEST:
            raise ScaleSimError(
                f"{where}: {column!r} must be an integer from 1 to {_LARGEST}, not {shown(cell)}"
            )
    _check_rest(cells, columns, len(needed) + 1, where)
    return numbers


def _check_rest(cells: list[str], columns: tuple[str, ...], place: int, where: str) -> None:
    """Check the cell behind the numbers: a sparsity ratio or nothing."""
    ratio = cells[place] if len(cells) > place else ""
    if ":" in ratio or ratio and "Sparsity" in columns:
        if ratio.replace(" ", "") != "1:1":
            raise ScaleSimError(f"{where}: sparsity must be 1:1 (dense), not {shown(ratio)}")
    elif ratio:
        raise ScaleSimError(
            f"{where}: column {place + 1} has {shown(ratio)}, and no header that says what it is"
        )


def _conv(name: str, numbers: dict[str, int], where: str) -> Layer:
    height, width, *kernel, channels, filters, stride = (numbers[column] for column in _CONV)
    for side, size, taps in zip(("Height", "Width"), (height, width), kernel, strict=True):
        if taps > size:
            raise ScaleSimError(
                f"{where}: 'Filter {side}' must be at most the 'IFMAP {side}' {size}, not {taps}"
            )
    strides = stride, numbers.get("Stride Width", stride)
    return Layer(
        name, height, width, tuple(kernel), channels, filters, strides, _DEPTHWISE in name
    )


def _gemm(name: str, numbers: dict[str, int], where: str) -> Layer:
    """An M x K by K x N product: a 1x1 convolution over M pixels of K channels."""
    return Layer(name, numbers["M"], 1, (1, 1), numbers["K"], numbers["N"])
