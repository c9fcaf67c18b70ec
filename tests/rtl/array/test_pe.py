"""The processing element, cycle by cycle against a few lines of NumPy."""

import numpy as np
from amaranth.sim import Simulator

from accel.params import PE_LATENCY
from accel.rtl.array.pe import PE


def run(inputs):
    """Drive one PE with a list of input dicts; return its outputs in each of those cycles."""
    dut = PE(32)
    seen = {name: [] for name in ("a_out", "swap_out", "psum_out")}

    async def bench(ctx):
        for values in inputs:
            for name, value in values.items():
                ctx.set(getattr(dut, name), int(value))
            for name, column in seen.items():
                column.append(ctx.get(getattr(dut, name)))
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    return {name: np.array(column) for name, column in seen.items()}


def random_inputs(rng, cycles):
    return {
        "a_in": rng.choice([-128, -1, 0, 1, 127, *rng.integers(-128, 128, 3)], cycles),
        "weight_in": rng.choice([-128, -127, 0, 127, *rng.integers(-128, 128, 3)], cycles),
        "psum_in": rng.integers(-(2**31), 2**31, cycles),
        "load": rng.integers(0, 2, cycles),
        "swap_in": rng.integers(0, 2, cycles),
    }


def test_random_against_numpy():
    cycles = 300
    given = random_inputs(np.random.default_rng(1), cycles)
    seen = run([{name: column[n] for name, column in given.items()} for n in range(cycles)])

    # The weight loaded before a swap (or with it) works on activations from the next cycle on.
    shadow, working, weights = 0, 0, []
    for load, weight, swap in zip(given["load"], given["weight_in"], given["swap_in"], strict=True):
        weights.append(working)
        shadow = weight if load else shadow
        working = shadow if swap else working
    products = given["a_in"] * np.array(weights)
    late = PE_LATENCY - 1
    sums = (products[:-late] + given["psum_in"][late:] + 2**31) % 2**32 - 2**31

    assert PE_LATENCY == 5
    np.testing.assert_array_equal(seen["psum_out"][PE_LATENCY:], sums[:-1])
    np.testing.assert_array_equal(seen["a_out"][1:], given["a_in"][:-1])
    np.testing.assert_array_equal(seen["swap_out"][1:], given["swap_in"][:-1])
