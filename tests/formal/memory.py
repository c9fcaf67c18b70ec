"""Proofs of what stands between the engines and memory: room, owners, order."""

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.hdl import Assume, Cover
from amaranth.utils import exact_log2

from accel.params import BASE_ALIGN, MAX_BURST, Params
from accel.rtl.memory.burst import OUTSTANDING
from accel.rtl.memory.read import MAX_READS
from accel.rtl.memory.write_arbiter import MASTERS
from tests.formal.follow import Follower, stays
from tests.formal.inside import Inside
from tests.formal.prove import claim, free, implies
from tests.formal.streams import queue_holds

#: A machine with a narrow bus and few addresses: the blocks do the same with any.
SMALL = Params(rows=4, cols=4, window_taps=0, bus_bytes=4, addr_bits=16)


#: One with a wide bus, whose prefetch buffer is small.
WIDE = Params(rows=8, cols=8, window_taps=0, bus_bytes=64, addr_bits=16)


def fifo_holds(m, fifo, place) -> Signal:
    """Claim the invariants of Amaranth's SyncFIFO; return how many entries it holds."""
    produce, consume = fifo.signal("produce"), fifo.signal("consume")
    level, depth = fifo.component.level, fifo.component.depth
    word = fifo.word("storage", consume + place.position, "stored_word")
    claim(
        m,
        level <= depth,
        (produce - consume)[: len(produce)] == level[: len(produce)],
        implies(place.following, word == place.tag),
    )
    return level


def read_ahead(component, entry_bytes: int = SMALL.bus_bytes, beats: int = 2 * MAX_BURST) -> Module:
    """Bursts are asked for as they came, and every beat of them has a place when it comes.

    Memory brings as many beats as were asked for, whenever it likes, and none else.
    """
    m = Module()
    dut = component(SMALL, entry_bytes, beats)
    inside = Inside.of(m, "dut", dut)
    ratio = entry_bytes // SMALL.bus_bytes
    request = dut.client.request
    m.d.comb += [
        dut.request.valid.eq(free(m, 1, "ask")),
        dut.request.p.addr.eq(free(m, SMALL.addr_bits, "ask_addr")),
        dut.request.p.beats.eq(free(m, len(request.p.beats), "ask_beats")),
        dut.halt.eq(free(m, 1, "halt")),
        request.ready.eq(free(m, 1, "accept")),
        dut.client.data.eq(free(m, 8 * SMALL.bus_bytes, "data")),
        dut.output.ready.eq(free(m, 1, "take")),
        Assume((dut.request.p.beats >= 1) & (dut.request.p.beats <= MAX_BURST)),
    ]
    owed = Signal(range(2 * beats))
    asked = request.valid & request.ready
    m.d.comb += dut.client.valid.eq(free(m, 1, "comes") & (owed != 0))
    m.d.sync += owed.eq(owed + Mux(asked, request.p.beats, 0) - dut.client.valid)

    bursts = Follower(
        m, 1,
        entered=dut.request.valid & dut.request.ready, payload=dut.request.payload,
        left=asked, offered=request.payload, valid=request.valid,
    )  # fmt: skip
    stays(m, request.valid, request.ready, request.payload, "request")
    stays(m, dut.output.valid, dut.output.ready, dut.output.payload, "output")
    part, earlier = _parts(m, dut, ratio)
    entries = Follower(
        m, beats // ratio,
        entered=dut.client.valid & (part == ratio - 1), payload=Cat(earlier, dut.client.data),
        left=dut.output.valid & dut.output.ready, offered=dut.output.payload,
        valid=dut.output.valid,
    )  # fmt: skip
    queue = inside.block("queue")
    held = queue_holds(m, queue, beats // ratio, entries.place)
    room, freed, waiting = map(inside.signal, ("room", "freed", "held"))
    claim(
        m,
        held == entries.held,
        waiting == bursts.held,
        implies(bursts.place.following, Value.cast(request.payload) == bursts.place.tag),
        # Room, and everything that has taken some: no more and no less than the RAM has.
        room + freed + owed + part + ratio * held == beats,
        implies(dut.arrived, queue.component.input.ready),
        dut.arrived == (dut.client.valid & (part == ratio - 1)),
        # No deadlock: a burst is asked for as soon as so much is not taken, and no sooner.
        request.valid == (waiting & (room >= MAX_BURST)),
        implies(waiting, (request.p.beats >= 1) & (request.p.beats <= MAX_BURST)),
    )
    if ratio > 1:
        own = inside.signal("earlier")
        kept = [own.word_select(ratio - 2 - n, 8 * SMALL.bus_bytes) for n in range(ratio - 1)]
        mine = [earlier.word_select(ratio - 2 - n, 8 * SMALL.bus_bytes) for n in range(ratio - 1)]
        claim(m, inside.signal("count") == part)
        claim(m, *(implies(part > n, kept[n] == mine[n]) for n in range(ratio - 1)))
    m.d.comb += Cover(owed == MAX_BURST + 1)
    return m


def _parts(m, dut, ratio):
    """Beats of the entry that have come, and those beats, the newest highest."""
    if ratio == 1:
        return Signal(name="part"), Signal(0)
    part, width = Signal(range(ratio)), len(dut.client.data)
    earlier = Signal((ratio - 1) * width)
    with m.If(dut.client.valid):
        m.d.sync += [part.eq(part + 1), earlier.eq(Cat(earlier, dut.client.data)[width:])]
    return part, earlier


def _axi_master(m, master, name):
    """Drive an AXI4 write master that keeps the protocol's rules, and else does as it likes."""
    for signal in ("awvalid", "awaddr", "awlen", "wvalid", "wdata", "wstrb", "wlast", "bready"):
        port = getattr(master, signal)
        m.d.comb += port.eq(free(m, port.shape(), f"{name}_{signal}"))
    address = Cat(master.awaddr, master.awlen)
    beat = Cat(master.wdata, master.wstrb, master.wlast)
    stays(m, master.awvalid, master.awready, address, f"{name}_aw", assume=True)
    stays(m, master.wvalid, master.wready, beat, f"{name}_w", assume=True)


def write_arbiter(component) -> Module:
    """Two masters' bursts go through whole, in turn, unchanged, and answers find their master.

    The masters keep AXI's rules; memory answers only bursts that it was sent, whenever it likes.
    """
    m = Module()
    dut = component(SMALL)
    inside = Inside.of(m, "dut", dut)
    masters = list(dut.masters)
    for number, master in enumerate(masters):
        _axi_master(m, master, f"master{number}")
    for signal in ("awready", "wready", "bvalid", "bresp"):
        port = getattr(dut.axi, signal)
        m.d.comb += port.eq(free(m, port.shape(), signal))
    begins = Signal(MASTERS)
    m.d.comb += begins.eq(Cat(master.awvalid & master.awready for master in masters))
    _addresses(m, dut.axi, masters, begins, inside.signal("last_owner"))
    _beats(m, dut.axi, masters, begins, inside)
    _responses(m, dut.axi, masters, begins, inside)
    return m


def _addresses(m, axi, masters, begins, last_owner):
    """One at a time, none lost or changed; who waits does so for one burst of the other at most."""
    address = [Cat(master.awaddr, master.awlen) for master in masters]
    shown = Cat(axi.awaddr, axi.awlen)
    follower = Follower(
        m, 1,
        entered=begins.any(), payload=Mux(begins[1], address[1], address[0]),
        left=axi.awvalid & axi.awready, offered=shown, valid=axi.awvalid,
    )  # fmt: skip
    stays(m, axi.awvalid, axi.awready, shown, "axi_aw")
    claim(m, ~begins.all(), follower.held == axi.awvalid)
    for number, master in enumerate(masters):
        passed = Signal(2, name=f"passed_{number}")
        with m.If(~master.awvalid | master.awready):
            m.d.sync += passed.eq(0)
        with m.Elif(begins[1 - number]):
            m.d.sync += passed.eq(passed + 1)
        claim(m, passed <= 1, implies(passed == 1, last_owner != number))
    m.d.comb += Cover(begins[1] & axi.awvalid)


def _beats(m, axi, masters, begins, inside):
    """Only the owner's, from its address to its last one; none lost or changed."""
    payloads = [Cat(master.wdata, master.wstrb, master.wlast) for master in masters]
    beats, open_ = Signal(MASTERS), Signal(MASTERS)
    shown = Cat(axi.wdata, axi.wstrb, axi.wlast)
    m.d.comb += beats.eq(Cat(master.wvalid & master.wready for master in masters))
    follower = Follower(
        m, 1,
        entered=beats.any(), payload=Mux(beats[1], payloads[1], payloads[0]),
        left=axi.wvalid & axi.wready, offered=shown, valid=axi.wvalid,
    )  # fmt: skip
    stays(m, axi.wvalid, axi.wready, shown, "axi_w")
    last = Cat(beats[n] & master.wlast for n, master in enumerate(masters))
    m.d.sync += open_.eq((open_ | begins) & ~last)
    free_ = ~axi.wvalid | axi.wready
    claim(
        m,
        ~beats.all(),
        ~open_.all(),
        implies(begins.any(), open_ == 0),
        (beats & ~(open_ | begins)) == 0,
        open_ == inside.signal("is_open"),
        implies(open_ != 0, open_ == 1 << inside.signal("last_owner")),
        inside.signal("blocked") == ((open_ != 0) | inside.signal("full")),
        follower.held == axi.wvalid,
        # Nothing stalls: the owner's beat is taken whenever the bus's register is free.
        *(implies(open_[n] & master.wvalid & free_, beats[n]) for n, master in enumerate(masters)),
    )


def _responses(m, axi, masters, begins, inside):
    """Each to the master whose burst is the oldest; the queue of owners has a place for each."""
    answered = Cat(master.bvalid for master in masters)
    fifo = inside.block("owners")
    follower = Follower(
        m, MASTERS * OUTSTANDING,
        entered=begins.any(), payload=begins[1],
        left=axi.bvalid & axi.bready, offered=masters[1].bvalid, valid=axi.bvalid,
    )  # fmt: skip
    m.d.comb += Assume(implies(axi.bvalid, follower.held != 0))
    claim(
        m,
        fifo_holds(m, fifo, follower.place) == follower.held,
        implies(begins.any(), fifo.component.w_rdy),
        inside.signal("full") == ~fifo.component.w_rdy,
        implies(axi.bvalid, (answered == 1) | (answered == 2)),
        implies(~axi.bvalid, answered == 0),
        *(implies(master.bvalid, master.bready == axi.bready) for master in masters),
    )


def read_master(component, clients: int = 3) -> Module:
    """Bursts are passed on, moved by the base, and every beat goes to the reader that asked for it.

    Memory sends data only for bursts that were asked for, in their order, whenever it likes.
    """
    m = Module()
    dut = component(SMALL, clients)
    inside = Inside.of(m, "dut", dut)
    axi, readers = dut.axi, list(dut.clients)
    for signal in ("arready", "rvalid", "rdata", "rlast", "rresp"):
        port = getattr(axi, signal)
        m.d.comb += port.eq(free(m, port.shape(), signal))
    m.d.comb += [dut.halt.eq(free(m, 1, "halt")), dut.base.eq(free(m, len(dut.base), "base"))]
    base = dut.base << exact_log2(BASE_ALIGN)
    burst, chosen, number = Signal(SMALL.addr_bits + 8), Signal(clients), Signal(range(clients))
    for n, reader in enumerate(readers):
        request = reader.request
        bits = Value.cast(request.payload)
        m.d.comb += [
            request.valid.eq(free(m, 1, f"ask{n}")),
            bits.eq(free(m, len(bits), f"burst{n}")),
            Assume((request.p.beats >= 1) & (request.p.beats <= MAX_BURST)),
            chosen[n].eq(request.valid & request.ready),
        ]
        with m.If(chosen[n]):
            m.d.comb += [
                burst.eq(
                    Cat((request.p.addr + base)[: SMALL.addr_bits], (request.p.beats - 1)[:8])
                ),
                number.eq(n),
            ]  # fmt: skip
    shown = Cat(axi.araddr, axi.arlen)
    addresses = Follower(
        m, 1, entered=chosen.any(), payload=burst,
        left=axi.arvalid & axi.arready, offered=shown, valid=axi.arvalid,
    )  # fmt: skip
    stays(m, axi.arvalid, axi.arready, shown, "axi_ar")
    fifo = inside.block("owners")
    owner = fifo.component.r_data
    owners = Follower(
        m, MAX_READS, entered=chosen.any(), payload=number,
        left=axi.rvalid & axi.rlast, offered=owner, valid=axi.rvalid,
    )  # fmt: skip
    m.d.comb += Assume(implies(axi.rvalid, owners.held > (axi.arvalid & ~axi.arready)))
    came, data, whose = Signal(), Signal.like(axi.rdata), Signal.like(owner)
    m.d.sync += [came.eq(axi.rvalid), data.eq(axi.rdata), whose.eq(owner)]
    claim(
        m,
        inside.signal("full") == ~fifo.component.w_rdy,
        (chosen & (chosen - 1)[:clients]) == 0,
        addresses.held == axi.arvalid,
        fifo_holds(m, fifo, owners.place) == owners.held,
        *(reader.valid == (came & (whose == n)) for n, reader in enumerate(readers)),
        *(implies(reader.valid, reader.data == data) for reader in readers),
        implies(axi.arvalid, owners.held != 0),
        implies(axi.arvalid | (owners.held != 0), dut.outstanding),
        # The lowest-numbered reader that asks is served first, and any if there is a place.
        *(
            implies(readers[n].request.valid, ~chosen[n + 1 :].any())
            for n in range(clients - 1)
        ),
    )
    m.d.comb += Cover((owners.held == 3) & axi.rvalid)
    return m


def prefetch(component) -> Module:
    """Every beat of the program that was asked for has a place when it comes; they stay in order.

    Memory brings as many beats as were asked for, whenever it likes, and none else.
    """
    m = Module()
    dut = component(WIDE)
    inside = Inside.of(m, "dut", dut)
    request, buffer = dut.client.request, inside.block("buffer")
    started = Signal()
    m.d.sync += started.eq(started | dut.start)
    for port in (dut.program, dut.commands, dut.halt, request.ready, dut.beats.ready):
        m.d.comb += port.eq(free(m, port.shape(), port.name))
    owed = Signal(range(2 * buffer.component.depth))
    asked = request.valid & request.ready
    m.d.comb += [
        dut.start.eq(free(m, 1, "start") & ~started),
        dut.client.data.eq(free(m, 8 * WIDE.bus_bytes, "data")),
        dut.client.valid.eq(free(m, 1, "comes") & (owed != 0)),
    ]
    m.d.sync += owed.eq(owed + Mux(asked, request.p.beats, 0) - dut.client.valid)
    depth = buffer.component.depth
    beats = Follower(
        m, depth,
        entered=dut.client.valid, payload=dut.client.data, left=dut.beats.valid & dut.beats.ready,
        offered=dut.beats.payload, valid=dut.beats.valid,
    )  # fmt: skip
    stays(m, request.valid, request.ready, request.payload, "request")
    room, size, burst = inside.signal("room"), inside.signal("size"), inside.signal("burst")
    promised = Signal(range(depth + 1))
    m.d.comb += promised.eq(Mux(request.valid, request.p.beats, 0))
    claim(
        m,
        buffered_holds(m, buffer, beats.place) == beats.held,
        room + promised + owed + beats.held == depth,
        size <= burst,
        implies(dut.client.valid, buffer.component.w_rdy),
    )
    m.d.comb += Cover(owed == burst + 1)
    return m


def buffered_holds(m, fifo, place) -> Signal:
    """Claim the invariants of Amaranth's SyncFIFOBuffered; return how many entries it holds."""
    latched, latch = fifo.component.r_rdy, fifo.component.r_data
    stored, produce, consume = map(fifo.signal, ("inner_level", "produce", "consume"))
    depth = fifo.component.depth - 1
    held = Signal(range(depth + 2), name="fifo_held")
    m.d.comb += held.eq(stored + latched)
    in_ram = place.behind(m, latched, "fifo_latch")
    behind = Signal(range(2 * depth))
    m.d.comb += behind.eq(consume + stored)
    place_ = Signal(range(2 * depth))
    m.d.comb += place_.eq(consume + in_ram.position)
    word = fifo.word("storage", Mux(place_ >= depth, place_ - depth, place_), "fifo_word")
    claim(
        m,
        stored <= depth,
        produce < depth,
        consume < depth,
        produce == Mux(behind >= depth, behind - depth, behind),
        implies(place.following & (place.position == 0) & latched, latch == place.tag),
        implies(in_ram.following & (in_ram.position < stored), word == place.tag),
    )
    return held


def burst_beats(component) -> Module:
    """Of each burst as many beats are sent as it has, and the last one is told.

    Beats come, and the bus takes and answers, as they like.
    """
    m = Module()
    dut = component(SMALL)
    inside = Inside.of(m, "dut", dut)
    bursts = inside.block("bursts").component
    beat = dut.beat.as_value()
    m.d.comb += [
        beat.eq(free(m, len(beat), "beat")),
        dut.valid.eq(free(m, 1, "comes")),
        dut.halt.eq(free(m, 1, "halt")),
        dut.hold.eq(free(m, 1, "hold")),
        *(
            getattr(dut.axi, name).eq(free(m, getattr(dut.axi, name).shape(), name))
            for name in ("awready", "wready", "bvalid", "bresp")
        ),
    ]
    none, one, left = (inside.signal(name) for name in ("none", "one", "left"))
    unsent = Signal(len(left))  # beats of the burst that was begun last
    with m.If(inside.signal("take")):
        m.d.sync += unsent.eq(bursts.output.payload.beats)
    with m.Elif(dut.sent):
        m.d.sync += unsent.eq(unsent - 1)
    order, counted = inside.block("order").component, inside.block("order").signal("counted")
    claim(
        m,
        order.level <= order.depth,
        counted <= order.depth,
        none == (unsent == 0),
        one == (unsent == 1),
        dut.axi.wlast == one,
        implies(unsent > 1, left == unsent),
        order.w_rdy == (order.level != order.depth),
    )
    m.d.comb += Cover(dut.axi.wvalid & dut.axi.wlast)
    return m
