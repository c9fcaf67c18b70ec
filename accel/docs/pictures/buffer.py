"""The im2col line buffer: in which bank each byte lies, and what the lanes of a tile read."""

import pathlib

import numpy as np

from accel.docs.pictures import example
from accel.isa import Op
from accel.report.style import picture

#: A colour for each bank; colour-blind safe (Okabe and Ito).
_BANKS = ("#56B4E9", "#E69F00", "#CC79A7", "#009E73")


def lanes(fields: dict[str, int], pixel: tuple[int, int], rows: int) -> list[list[int]]:
    """The byte addresses that each tile of an EXEC reads for a pixel (x, y): the ISA's formula."""
    x, y = pixel
    start = fields["base"] + x * fields["step_x"] + y * fields["step_y"]
    addresses = [start + i + i // fields["seg"] * fields["seg_skip"] * rows
                 for i in range(fields["k"])]  # fmt: skip
    return [addresses[first : first + rows] for first in range(0, len(addresses), rows)]


def draw(path: pathlib.Path) -> None:
    """The buffer behind the tutorial's LOAD, three times: the bytes of the pixel's three tiles."""
    found = dict(example.commands(example.graph()))
    load, execute = found[Op.LOAD], found[Op.EXEC]
    rows = example.PARAMS.rows
    tiles = lanes(execute, (1, 1), rows)
    with picture(path, 1, len(tiles), figsize=(11, 3.6)) as (figure, panels):
        for number, (axes, read) in enumerate(zip(panels, tiles, strict=True)):
            _ring(axes, load, read, rows)
            banks = ", ".join(str(address % rows) for address in read)
            axes.set_title(f"tile {number}: bytes {', '.join(map(str, read))}\nin banks {banks}",
                           fontsize=9)  # fmt: skip
        figure.suptitle(
            f"5x5 image in the line buffer of a {rows}x{example.PARAMS.cols} machine, rows "
            f"{load['dst_pitch']} bytes apart; ringed: what the lanes read for output (1, 1)",
            fontsize=10,
        )


def _ring(axes, load: dict[str, int], read: list[int], rows: int) -> None:
    from matplotlib.patches import Rectangle

    pitch, used = load["dst_pitch"], load["inner"]
    for address in range(load["rows"] * pitch):
        y, x = divmod(address, pitch)
        full = x < used
        axes.add_patch(Rectangle((x, y), 0.94, 0.94, color=_BANKS[address % rows],
                                 alpha=0.85 if full else 0.2, linewidth=0))  # fmt: skip
        axes.text(x + 0.47, y + 0.36, str(address), ha="center", va="center", fontsize=8,
                  weight="bold" if address in read else "normal")  # fmt: skip
        axes.text(x + 0.47, y + 0.74, f"bank {address % rows}", ha="center", va="center",
                  fontsize=5)  # fmt: skip
        if address in read:
            axes.add_patch(Rectangle((x, y), 0.94, 0.94, fill=False, edgecolor="#14171c",
                                     linewidth=2.2, zorder=3))  # fmt: skip
    high = int(np.ceil(load["rows"]))
    axes.set(xlim=(-0.1, pitch + 0.05), ylim=(high + 0.05, -0.1), aspect="equal")
    axes.axis("off")
