"""A small AXI4 read memory in Python, with latency and random stalls, that checks the protocol.

Also the simulation loop of the tests that use it.
"""

import collections
import random

from amaranth.sim import Simulator

from accel.params import MAX_BURST


def simulate(dut, *testbenches, background=(), deadline=20_000):
    """Run to the end of ``testbenches``; ``deadline`` is the watchdog, in cycles."""
    sim = Simulator(dut)
    sim.add_clock(1e-6)
    for bench in background:
        sim.add_testbench(bench, background=True)
    for bench in testbenches:
        sim.add_testbench(bench)

    async def watchdog(ctx):
        for _ in range(deadline):
            await ctx.tick()
        raise AssertionError(f"no end after {deadline} cycles")

    sim.add_testbench(watchdog, background=True)
    sim.run()


class ReadMemory:
    """Serves an ``axi_read`` port from ``image`` (bytes from address 0)."""

    def __init__(self, axi, params, image, latency=32, stall=0.0, seed=0, fail=-1):
        self.axi, self.bus, self.image = axi, params.bus_bytes, image
        self.latency, self.stall, self.fail = latency, stall, fail
        self.random = random.Random(seed)
        self.bursts = []  # (cycle, address, beats) in the order taken

    def _stalls(self):
        return self.stall and self.random.random() < self.stall

    def _check(self, address, beats):
        window = self.bus * MAX_BURST
        assert address % self.bus == 0
        assert beats <= MAX_BURST
        assert address // window == (address + self.bus * beats - 1) // window

    async def serve(self, ctx):
        axi, shown, cycle = self.axi, None, 0
        beats = collections.deque()  # (due, address, last)
        while True:
            ready = not self._stalls()
            valid = bool(beats) and beats[0][0] <= cycle and not self._stalls()
            ctx.set(axi.arready, ready)
            ctx.set(axi.rvalid, valid)
            if valid:
                _, address, last = beats.popleft()
                word = self.image[address : address + self.bus]
                ctx.set(axi.rdata, int.from_bytes(word, "little"))
                ctx.set(axi.rlast, last)
                ctx.set(axi.rresp, 2 if address == self.fail else 0)
            *_, arvalid, address, length, size, burst, rready = await ctx.tick().sample(
                axi.arvalid, axi.araddr, axi.arlen, axi.arsize, axi.arburst, axi.rready
            )
            assert rready
            assert shown is None or (arvalid and shown == (address, length)), "AR was not held"
            shown = (address, length) if arvalid and not ready else None
            if arvalid and ready:
                assert 1 << size == self.bus and burst == 1
                self._check(address, length + 1)
                self.bursts.append((cycle, address, length + 1))
                for n in range(length + 1):
                    beats.append((cycle + self.latency, address + n * self.bus, n == length))
            cycle += 1
