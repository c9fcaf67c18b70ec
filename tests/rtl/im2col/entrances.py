"""A buffer's entrance with the placer in front of it, as the machine has both."""

from amaranth import Module
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from accel.rtl.im2col.place import Placer


class Entrance:
    """Copies ``beats`` to a buffer's beginning while ``write`` sends what must not wait.

    Parameters:
        dut: an entrance: ``copies``, ``stall``, ``near``, ``write``.
        params: the machine.
        banks: the buffer's.
        size: its bytes.

    Attributes:
        buffer: what was written.
        taken: for each cycle whether a beat was taken.
        completed: the cycles in which a copy was complete.
    """

    def __init__(self, dut, params, banks, size: int):
        self.dut, self.placer, self._banks = dut, Placer(params, banks), banks
        self.buffer, self.taken, self.completed = bytearray(size), [], []

    def run(self, beats, write) -> None:
        """Simulate; ``write`` is a testbench that drives ``dut.near``."""
        m = Module()
        m.submodules.placer, m.submodules.dut = self.placer, self.dut
        connect(m, self.placer.write, self.dut.copies)
        m.d.comb += self.placer.stall.eq(self.dut.stall)

        async def copy(ctx):
            await self._copy(ctx, beats)

        simulator = Simulator(m)
        simulator.add_clock(1e-6)
        simulator.add_testbench(copy)
        simulator.add_testbench(write)
        simulator.add_testbench(self._watch, background=True)
        simulator.run()

    async def _copy(self, ctx, beats):
        placer = self.placer
        command = {"dst": 0, "left": sum(map(len, beats)) - 1, "last": 1}
        ctx.set(placer.input.payload, command)
        ctx.set(placer.input.valid, 1)
        await ctx.tick()
        ctx.set(placer.input.valid, 0)
        for beat in beats:
            ctx.set(placer.beats.payload, int.from_bytes(beat, "little"))
            ctx.set(placer.beats.valid, 1)
            await ctx.tick().until(placer.beats.ready)
        ctx.set(placer.beats.valid, 0)
        await ctx.tick().repeat(40)

    async def _watch(self, ctx):
        dut, placer, banks, cycle = self.dut, self.placer, self._banks, 0
        async for _, _, enable, row, data, stall, ready, done in ctx.tick().sample(
            dut.write.enable, dut.write.row, dut.write.data, dut.stall, placer.beats.ready,
            placer.completed,
        ):
            cycle += 1
            assert not (stall and ready)
            self.taken.append(ready)
            self.completed.extend([cycle] * done)
            for lane in range(banks.lanes):
                bank, byte = divmod(lane, banks.word)
                if enable >> lane & 1:
                    place = row[bank] * banks.lanes + lane
                    self.buffer[place] = data[bank] >> 8 * byte & 255
