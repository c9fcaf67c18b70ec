"""A memory that takes AXI4 writes, with random stalls, and checks the bus protocol."""

import random

from accel.params import MAX_BURST


class AxiSink:
    """Memory behind ``axi``; add :meth:`run` to a simulator as a background testbench.

    Attributes:
        memory: its bytes.
        bursts: (address, beats) of every burst, in order.
        pending: bursts whose data has come but whose response has not been taken.
    """

    def __init__(self, axi, size, *, stall=0.0, latency=3, seed=0, fail=-1):
        self._axi, self._stall, self._latency, self._fail = axi, stall, latency, fail
        self._random = random.Random(seed)
        self.memory = bytearray(size)
        self.bursts, self.pending = [], []
        self.beats = self.most_pending = 0

    async def run(self, ctx):
        axi = self._axi
        bus_bytes = len(axi.wstrb)
        addresses, words, complete = [], [], []
        held = None
        cycle = 0
        while True:
            responding = bool(self.pending) and self.pending[0][0] <= cycle
            ctx.set(axi.awready, self._random.random() >= self._stall)
            ctx.set(axi.wready, self._random.random() >= self._stall)
            ctx.set(axi.bvalid, responding)
            ctx.set(axi.bresp, 2 if responding and self.pending[0][1] else 0)
            signals = await ctx.tick().sample(
                axi.awvalid, axi.awready, axi.awaddr, axi.awlen, axi.awsize, axi.awburst,
                axi.wvalid, axi.wready, axi.wdata, axi.wstrb, axi.wlast, axi.bready,
            )  # fmt: skip
            aw, aw_ready, addr, length, size, kind = signals[2:8]
            w, w_ready, word, strobe, last, b_ready = signals[8:]
            cycle += 1
            if responding and b_ready:
                self.pending.pop(0)
            if held is not None:
                assert aw and (addr, length) == held, "an address must be held until it is taken"
            held = (addr, length) if aw and not aw_ready else None
            if aw and aw_ready:
                assert 1 << size == bus_bytes and kind == 1
                assert addr % bus_bytes == 0
                first = addr // bus_bytes
                assert first // MAX_BURST == (first + length) // MAX_BURST, "crosses a boundary"
                addresses.append((addr, length + 1))
                self.bursts.append((addr, length + 1))
            if w and w_ready:
                self.beats += 1
                words.append((word, strobe, last))
            assert not words or w, "a burst's data must come without a gap"
            if w and w_ready and last:
                complete.append(words)
                words = []
            while addresses and complete:
                self._write(*addresses.pop(0), complete.pop(0), bus_bytes, cycle)
            self.most_pending = max(self.most_pending, len(self.pending))

    def _write(self, addr, beats, burst, bus_bytes, cycle):
        assert len(burst) == beats
        failed = addr <= self._fail < addr + beats * bus_bytes
        for n, (word, strobe, _) in enumerate(burst):
            for lane, byte in enumerate(word.to_bytes(bus_bytes, "little")):
                if strobe >> lane & 1 and not failed:
                    self.memory[addr + n * bus_bytes + lane] = byte
        self.pending.append((cycle + self._latency, failed))
