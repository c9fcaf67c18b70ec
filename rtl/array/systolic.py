"""The systolic array: rows of the reduction dimension by columns of output channels."""

from amaranth import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.array.pe import PE
from accel.rtl.interfaces import weight_row
from accel.rtl.parts.delay import Delay


class SystolicArray(wiring.Component):
    """R x C processing elements and the skew of their edges.

    Lane r of a vector enters row r after r cycles, and one column further every cycle: cell
    (r, c) works on it r + c cycles after the vector arrived here.  Swaps and weight rows are skewed
    in the same way, so users may think of whole vectors, whole tiles and whole weight rows.

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
        grid = [[PE() for _ in range(self.params.cols)] for _ in range(self.params.rows)]
        for r, row in enumerate(grid):
            for c, pe in enumerate(row):
                m.submodules[f"pe_{r}_{c}"] = pe
                if c > 0:
                    m.d.comb += [pe.a_in.eq(row[c - 1].a_out), pe.swap_in.eq(row[c - 1].swap_out)]
                if r > 0:
                    m.d.comb += pe.psum_in.eq(grid[r - 1][c].psum_out)
        self._feed_rows(m, [row[0] for row in grid])
        self._feed_weights(m, grid)
        m.d.comb += [self.psums[c].eq(pe.psum_out) for c, pe in enumerate(grid[-1])]
        return m

    def _feed_rows(self, m, first_column):
        """Skew activations and swaps: row r starts r cycles after row 0."""
        swap = self.swap
        for r, pe in enumerate(first_column):
            m.submodules[f"lane_{r}"] = lane = Delay(signed(8), r, reset_less=True)
            m.d.comb += [lane.i.eq(self.lanes[r]), pe.a_in.eq(lane.o), pe.swap_in.eq(swap)]
            below = Signal(name=f"swap_row_{r + 1}")
            m.d.sync += below.eq(swap)
            swap = below

    def _feed_weights(self, m, grid):
        """Skew weight rows: column c stores its byte c cycles after column 0.

        There is no skew by rows as there is for lanes: a loader sends one row a cycle anyway.
        A cell swaps a cycle after it is told to, so that the weights come a cycle late, too.
        """
        load = Signal(self.params.rows, name="load_0")
        m.d.sync += load.eq((self.weight.valid << self.weight.index)[: len(load)])
        for c in range(self.params.cols):
            m.submodules[f"weight_{c}"] = byte = Delay(signed(8), c + 1, reset_less=True)
            m.d.comb += byte.i.eq(self.weight.data[c])
            for r, row in enumerate(grid):
                m.d.comb += [row[c].load.eq(load[r]), row[c].weight_in.eq(byte.o)]
            next_load = Signal.like(load, name=f"load_{c + 1}")
            m.d.sync += next_load.eq(load)
            load = next_load
