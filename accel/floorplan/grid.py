"""Where an ECP5 has its logic, multipliers and block RAMs, in columns and rows of its tiles."""

import dataclasses
from typing import NamedTuple

#: Cells with seats of their own, by their type in a netlist.
KINDS = ("MULT18X18D", "DP16KD")


class Seat(NamedTuple):
    """A place for a multiplier or a block RAM: its tile, and nextpnr's name for it."""

    x: int
    y: int
    bel: str


@dataclasses.dataclass(frozen=True)
class Grid:
    """An FPGA's tiles: all rows but those of multipliers and block RAMs hold logic.

    A row of multipliers or memories has four of them in each block of nine columns.
    """

    width: int
    height: int
    blocks: tuple[int, ...]
    multiplier_rows: tuple[int, ...]
    memory_rows: tuple[int, ...]

    def seats(self, kind: str) -> list[Seat]:
        """All seats for a kind of cell, one of KINDS."""
        if kind == "DP16KD":
            return [
                Seat(x + 2 * n, y, f"X{x + 2 * n}/Y{y}/EBR{n}")
                for y in self.memory_rows for x in self.blocks for n in range(4)
            ]  # fmt: skip
        return [
            Seat(x + n, y, f"X{x + n}/Y{y}/MULT18_{n}")
            for y in self.multiplier_rows for x in self.blocks for n in (0, 1, 4, 5)
        ]  # fmt: skip


def _blocks(*starts_and_counts):
    """Columns where blocks start: runs with 9 columns from one to the next."""
    return tuple(start + 9 * n for start, count in starts_and_counts for n in range(count))


#: By thousands of LUTs; as Project Trellis' database has them.
GRIDS = {
    "25": Grid(73, 51, _blocks((4, 3), (33, 4)), (13,), (25, 37)),
    "45": Grid(91, 72, _blocks((4, 4), (42, 5)), (22, 46), (10, 34, 58)),
    "85": Grid(127, 96, _blocks((4, 7), (69, 6)), (10, 34, 58), (22, 46, 70, 82)),
}
