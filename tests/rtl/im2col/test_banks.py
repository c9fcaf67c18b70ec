"""How bytes are spread over banks: no chunk meets a bank twice, words come from any base."""

import random

import pytest
from amaranth.sim import Simulator

from accel.params import IM2COL_LATENCY, Params
from accel.rtl.im2col.banks import Banks, im2col_banks, window_banks
from accel.rtl.im2col.buffer import BankedBuffer


def test_the_buffers_of_a_machine():
    params = Params(rows=8, cols=16, input_bytes=1 << 15, window_taps=4, window_bytes=1 << 14)
    assert im2col_banks(params) == Banks(8, 1, 1 << 15)
    assert window_banks(params) == Banks(4, 16, 1 << 14)
    banks = Banks(4, 16, 1 << 14)
    assert (banks.lanes, banks.rows, banks.row_bits, banks.base_bits) == (64, 256, 8, 10)


@pytest.mark.parametrize("banks, bus, chunk", [
    (Banks(8, 1, 64), 4, 4), (Banks(8, 1, 64), 16, 8), (Banks(4, 4, 64), 4, 4),
    (Banks(4, 4, 64), 16, 8), (Banks(4, 8, 64), 16, 16),
])  # fmt: skip
def test_a_chunk_never_meets_a_bank_twice(banks, bus, chunk):
    assert banks.chunk(bus) == chunk
    for first in range(banks.lanes):
        rows = {}
        for byte in range(first, first + chunk):
            bank = byte // banks.word % banks.count
            assert rows.setdefault(bank, byte // banks.lanes) == byte // banks.lanes


@pytest.mark.parametrize("shape", [(3, 1, 64), (4, 3, 64), (4, 4, 16), (1, 4, 64), (4, 4, 96)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="must be a power of two of at least"):
        Banks(*shape)


@pytest.mark.parametrize("banks", [Banks(2, 4, 64), Banks(4, 8, 256), Banks(8, 4, 64)])
def test_words_of_random_bases_and_offsets(banks):
    """Bytes are written one by one; words are read across the end of the ring."""
    rng = random.Random(banks.count)
    dut, image = BankedBuffer(banks), bytearray(banks.size)

    async def bench(ctx):
        for place in rng.sample(range(banks.size), banks.size):
            bank, byte = place // banks.word % banks.count, place % banks.word
            image[place] = rng.randrange(256)
            ctx.set(dut.write.enable, 1 << banks.word * bank + byte)
            ctx.set(dut.write.row[bank], place // banks.lanes)
            ctx.set(dut.write.data[bank], image[place] << 8 * byte)
            await ctx.tick()
        ctx.set(dut.write.enable, 0)
        for _ in range(60):
            base = rng.randrange(banks.size // banks.word)
            offsets = [rng.randrange(banks.rows) for _ in range(banks.count)]
            ctx.set(dut.read.valid, 1)
            ctx.set(dut.read.base, base)
            await ctx.tick()
            ctx.set(dut.read.valid, 0)
            ctx.set(dut.read.offsets, offsets)
            await ctx.tick().repeat(IM2COL_LATENCY - 1)
            for lane, offset in enumerate(offsets):
                place = (base + lane + offset * banks.count) * banks.word % banks.size
                word = int.from_bytes(image[place : place + banks.word], "little", signed=True)
                assert ctx.get(dut.lanes[lane]) == word

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
