"""The systolic array: rows of the reduction dimension by columns of output channels."""

from amaranth import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.params import Params
from accel.rtl.array.pair import PackedWeights, PairPE, packed
from accel.rtl.array.pe import PE
from accel.rtl.interfaces import weight_row
from accel.rtl.parts.delay import Delay


def sum_bits(params: Params) -> int:
    """Width of the sums inside the array: R products of two bytes, each 2**14 at most."""
    return 16 + exact_log2(params.rows)


class SystolicArray(wiring.Component):
    """R x C processing elements and the skew of their edges.

    Lane r of a vector enters row r after r cycles, and one column further every cycle: cell
    (r, c) works on it r + c cycles after the vector arrived here.  Swaps and weight rows are skewed
    in the same way, so users may think of whole vectors, whole tiles and whole weight rows.

    With ``params.packed_products`` two neighbouring columns' cells are one PairPE each; whatever
    leaves the array does so in the same cycles.

    Members:
        lanes: one vector of R activations every cycle; what arrives when no vector was issued
            gives sums that nobody looks at.
        swap: the shadow tile becomes the working tile for vectors from the *next* cycle on.
        weight: a row of the shadow tile.  Row r belongs to the tile of a swap in cycle q if it
            comes before cycle q + r, and to the next tile's if it comes in cycle q + r or later; so
            a tile whose rows follow each other without gaps can start one cycle before its swap.
        psums: column c of the products of the vector of cycle s, in cycle
            s + R - 1 + PE_LATENCY + c.

    One vector and one weight row a cycle, without back-pressure.
    """

    def __init__(self, params: Params):
        self.params = params
        super().__init__(
            {
                "lanes": In(data.ArrayLayout(signed(8), params.rows)),
                "swap": In(1),
                "weight": In(weight_row(params)),
                "psums": Out(data.ArrayLayout(signed(32), params.cols)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        build = self._pairs if self.params.packed_products else self._cells
        grid, sums = build(m)
        for row in grid:
            for left, right in zip(row, row[1:], strict=False):
                m.d.comb += [right.a_in.eq(left.a_out), right.swap_in.eq(left.swap_out)]
        self._feed_rows(m, [row[0] for row in grid])
        m.d.comb += [self.psums[c].eq(value) for c, value in enumerate(sums)]
        return m

    def _cells(self, m):
        """A cell for each row and column; returns them, and the sums of the last row."""
        rows, cols = self.params.rows, self.params.cols
        grid = [[PE(sum_bits(self.params)) for _ in range(cols)] for _ in range(rows)]
        for r, row in enumerate(grid):
            for c, pe in enumerate(row):
                m.submodules[f"pe_{r}_{c}"] = pe
                if r > 0:
                    m.d.comb += pe.psum_in.eq(grid[r - 1][c].psum_out)
        weights = [self._weight(m, c, c + 1) for c in range(cols)]
        self._feed_weights(m, grid, weights, apart=1)
        return grid, [pe.psum_out for pe in grid[-1]]

    def _pairs(self, m):
        """A pair for each row and two columns; returns them, and the sums of the last row."""
        rows, pairs = self.params.rows, self.params.cols // 2
        grid = [[PairPE(sum_bits(self.params)) for _ in range(pairs)] for _ in range(rows)]
        for r, row in enumerate(grid):
            for p, pair in enumerate(row):
                m.submodules[f"pair_{r}_{p}"] = pair
                if r > 0:
                    m.d.comb += pair.psum_in.eq(grid[r - 1][p].psum_out)
        weights = []
        for p in range(pairs):
            # Both bytes come with the left column; to put them together takes the last cycle.
            low, high = (self._weight(m, 2 * p + cell, 2 * p) for cell in range(2))
            both = Signal(PackedWeights, name=f"packed_{p}", reset_less=True)
            m.d.sync += both.eq(packed(low, high))
            weights.append(both)
        self._feed_weights(m, grid, weights, apart=2)
        return grid, [pair.psum_out[cell] for pair in grid[-1] for cell in range(2)]

    def _feed_rows(self, m, first_column):
        """Skew activations and swaps: row r starts r cycles after row 0."""
        swap = self.swap
        for r, pe in enumerate(first_column):
            m.submodules[f"lane_{r}"] = lane = Delay(signed(8), r, reset_less=True)
            m.d.comb += [lane.i.eq(self.lanes[r]), pe.a_in.eq(lane.o), pe.swap_in.eq(swap)]
            below = Signal(name=f"swap_row_{r + 1}")
            m.d.sync += below.eq(swap)
            swap = below

    def _weight(self, m, column, cycles):
        """A column's byte of the weight row, some cycles late."""
        m.submodules[f"weight_{column}"] = byte = Delay(signed(8), cycles, reset_less=True)
        m.d.comb += byte.i.eq(self.weight.data[column])
        return byte.o

    def _feed_weights(self, m, grid, weights, apart):
        """Skew weight rows: a cell stores its weights ``apart`` cycles after its left neighbour.

        There is no skew by rows as there is for lanes: a loader sends one row a cycle anyway.
        A cell swaps a cycle after it is told to, so that the weights come a cycle late, too.
        """
        load = Signal(self.params.rows, name="load_0")
        m.d.sync += load.eq((self.weight.valid << self.weight.index)[: len(load)])
        for c, weight in enumerate(weights):
            for r, row in enumerate(grid):
                m.d.comb += [row[c].load.eq(load[r]), row[c].weight_in.eq(weight)]
            for step in range(apart):
                later = Signal.like(load, name=f"load_{apart * c + step + 1}")
                m.d.sync += later.eq(load)
                load = later
