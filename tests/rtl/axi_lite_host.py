"""An AXI4-Lite master for tests."""

import itertools


class Host:
    """An AXI4-Lite master with a chosen number of idle cycles before each handshake."""

    def __init__(self, bus):
        self.bus = bus

    async def write(self, ctx, addr, value, strobes=0xF, delays=(0, 0, 0)):
        """Delays of address, data and response-ready; returns the response."""
        bus = self.bus
        todo = {"aw", "w", "b"}
        for cycle in itertools.count():
            assert cycle < 100, f"write never ends: {todo} left"
            ctx.set(bus.awvalid, "aw" in todo and cycle >= delays[0])
            ctx.set(bus.wvalid, "w" in todo and cycle >= delays[1])
            ctx.set(bus.bready, cycle >= delays[2])
            # Nothing but the valid handshakes may be looked at.
            ctx.set(bus.awaddr, addr if ctx.get(bus.awvalid) else 0xFF)
            ctx.set(bus.wdata, value if ctx.get(bus.wvalid) else 0xDEADBEEF)
            ctx.set(bus.wstrb, strobes if ctx.get(bus.wvalid) else 0xF)
            _, _, aw, w, b, resp = await ctx.tick().sample(
                bus.awvalid & bus.awready,
                bus.wvalid & bus.wready,
                bus.bvalid & bus.bready,
                bus.bresp,
            )
            todo -= {"aw"} if aw else set()
            todo -= {"w"} if w else set()
            if b:
                assert todo == {"b"}, "a response before its write"
                ctx.set(bus.bready, 0)
                return resp

    async def read(self, ctx, addr, delays=(0, 0)):
        bus = self.bus
        asked = False
        for cycle in itertools.count():
            assert cycle < 100, "read never ends"
            ctx.set(bus.arvalid, not asked and cycle >= delays[0])
            ctx.set(bus.araddr, addr if ctx.get(bus.arvalid) else 0xFF)
            ctx.set(bus.rready, cycle >= delays[1])
            _, _, ar, r, value, resp = await ctx.tick().sample(
                bus.arvalid & bus.arready, bus.rvalid & bus.rready, bus.rdata, bus.rresp
            )
            if r:
                assert asked, "data before its address"
                ctx.set(bus.rready, 0)
                assert resp == 0
                return value
            asked |= bool(ar)
