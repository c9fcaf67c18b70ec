"""The systolic array against a NumPy matrix product, with tiles as close as they may be."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from accel.params import PE_LATENCY, Params
from accel.rtl.array.systolic import SystolicArray


def schedule(rng, params, counts, eager):
    """Lay out tiles of ``counts`` vectors without gaps (but at least R cycles a tile).

    Returns what to drive in each cycle and the (cycle, sums) every vector must give.  ``eager``
    loads a tile from the cycle of the previous swap on, otherwise as late as is legal.
    """
    rows, cols = params.rows, params.cols
    lanes, swaps, weights, expected = {}, set(), {}, []
    swap, previous = rows, 0
    for count in counts:
        tile = rng.integers(-128, 128, (rows, cols))
        vectors = rng.integers(-128, 128, (count, rows))
        load = previous if eager else swap - 1
        weights.update({load + r: (r, tile[r]) for r in range(rows)})
        swaps.add(swap)
        for n, vector in enumerate(vectors):
            lanes[swap + 1 + n] = vector
            expected.append((swap + 1 + n, vector @ tile))
        previous, swap = swap, swap + max(count, rows)
    return lanes, swaps, weights, expected


def run(params, lanes, swaps, weights, cycles):
    """Return psums[cycle, column]; what is not scheduled is noise."""
    dut, seen = SystolicArray(params), []
    rng = np.random.default_rng(0)

    async def bench(ctx):
        for cycle in range(cycles):
            noise = rng.integers(-128, 128, params.rows)
            ctx.set(dut.lanes, lanes.get(cycle, noise).tolist())
            ctx.set(dut.swap, cycle in swaps)
            row, values = weights.get(cycle, (0, rng.integers(-128, 128, params.cols)))
            ctx.set(dut.weight.valid, cycle in weights)
            ctx.set(dut.weight.index, row)
            ctx.set(dut.weight.data, values.tolist())
            psums = ctx.get(dut.psums)
            seen.append([psums[c] for c in range(params.cols)])
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    return np.array(seen)


@pytest.mark.parametrize(("rows", "cols"), [(4, 4), (4, 8), (8, 4)])
@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("packed", [False, True])
def test_tiles_back_to_back(rows, cols, eager, packed):
    params = Params(rows=rows, cols=cols, packed_products=packed)
    counts = [rows, rows, 1, rows + 3, 2, rows, rows]
    *driven, expected = schedule(np.random.default_rng(rows + cols), params, counts, eager)
    latency = rows - 1 + PE_LATENCY
    last = expected[-1][0] + latency + cols
    psums = run(params, *driven, cycles=last)
    for cycle, sums in expected:
        first = cycle + latency
        np.testing.assert_array_equal([psums[first + c, c] for c in range(cols)], sums)


@pytest.mark.parametrize("packed", [False, True])
def test_extreme_values_do_not_overflow(packed):
    params = Params(rows=4, cols=4, packed_products=packed)
    weights = {r: (r, np.full(4, -128)) for r in range(4)}
    psums = run(params, {5: np.full(4, -128)}, {4}, weights, cycles=12 + PE_LATENCY)
    assert [psums[5 + 3 + PE_LATENCY + c, c] for c in range(4)] == [4 * 128 * 128] * 4
