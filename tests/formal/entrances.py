"""Proofs of results that stay on the chip: their addresses, and their way into the buffers."""

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.hdl import Assume, Cover
from amaranth.lib import data
from amaranth.lib.wiring import connect
from amaranth.utils import bits_for

from accel.params import Params
from accel.rtl.im2col.banks import im2col_banks
from accel.rtl.im2col.place import PLACE_LATENCY, Placer
from tests.formal.inside import Inside
from tests.formal.prove import claim, constant, free, implies

#: Machines with small buffers; the other buffer is larger, so that addresses have bits too many.
ARRAY = Params(rows=4, cols=4, bus_bytes=4, input_bytes=64, window_taps=2, window_bytes=128,
               addr_bits=16)  # fmt: skip
NARROW = Params(rows=8, cols=4, bus_bytes=4, input_bytes=128, window_taps=2, window_bytes=256)
WINDOW = Params(rows=4, cols=4, bus_bytes=4, input_bytes=128, window_taps=2, window_bytes=64)


def placer(component, params: Params = ARRAY, banks_of=im2col_banks) -> Module:
    """Every byte of a piece is written to its place, once, and none else, however often it stalls.

    The solver chooses a byte of the ring.  It is written when a step that was made PLACE_LATENCY
    cycles ago has that byte, and only then.  Pieces and beats come when they like.
    """
    m = Module()
    banks = banks_of(params)
    dut = component(params, banks)
    m.d.comb += dut.stall.eq(free(m, 1, "stall"))
    address = constant(m, range(banks.size), "address")
    hit, value, step = _steps(m, dut, Inside.of(m, "dut", dut), params, banks, address)
    _lands(m, dut.write, banks, address, ((hit, value),))
    claim(m, implies(dut.stall, ~step))
    m.d.comb += Cover(_later(m, dut.stall & dut.beats.valid, "stalled") & hit & (value == 0x5A))
    return m


def entrance(component, params: Params = ARRAY, banks_of=im2col_banks) -> Module:
    """What comes and what is copied is written to its place, once, and none else; in order.

    The placer stands in front of it, as in the machine; pieces, beats and results come when they
    like.  The solver chooses a byte of the ring.  It is written when a result, or a step of the
    placer, of PLACE_LATENCY cycles ago has that byte, and only then: so nothing is lost, doubled
    or written elsewhere, and what came first is written first.  In a cycle in which a result
    comes the placer does nothing, and a cycle later it goes on from where it was.
    """
    m = Module()
    banks = banks_of(params)
    front, dut = Placer(params, banks), component(params)
    inside = Inside.of(m, "placer", front)
    m.submodules.dut = dut
    connect(m, front.write, dut.copies)
    m.d.comb += front.stall.eq(dut.stall)
    address = constant(m, range(banks.size), "address")
    copied, value, step = _steps(m, front, inside, params, banks, address)
    come, result = _results(m, dut.near, banks, address)
    _lands(m, dut.write, banks, address, ((copied, value), (come, result)))
    port, earlier = dut.write.enable, dut.near.valid
    for cycle in range(PLACE_LATENCY):
        earlier = _later(m, earlier, f"came_{cycle + 1}")
    claim(m, implies(dut.near.valid, ~step), implies(earlier, front.write.enable == 0))
    m.d.comb += Cover(earlier & port.any() & _later(m, step, "stepped"))
    return m


def _later(m, value, name) -> Signal:
    """The same a cycle later."""
    value = Value.cast(value)
    later = Signal(len(value), name=name)
    m.d.sync += later.eq(value)
    return later


def _within(m, address, first, banks, name) -> Signal:
    """How far behind byte ``first`` of the ring ``address`` lies."""
    offset = Signal(range(banks.size), name=name)
    m.d.comb += offset.eq((address - first)[: len(offset)])
    return offset


def _results(m, near, banks, address):
    """Let results come; whether one has the byte, and which it is."""
    bits = Value.cast(near)
    m.d.comb += bits.eq(free(m, len(bits), "near"))
    whole, columns = banks.word > 1, len(near.data)
    if whole:  # whole words, at whole addresses
        m.d.comb += Assume(near.addr[: bits_for(banks.word - 1)] == 0)
    m.d.comb += Assume(near.cols <= columns)
    offset = _within(m, address, near.addr, banks, "of_result")
    width = columns if whole else near.cols
    byte = Value.cast(near.data).word_select(offset[: bits_for(columns - 1)], 8)
    return near.valid & (offset < width), byte


def _steps(m, dut, inside, params, banks, address):
    """Let pieces and beats come; whether a step has the byte, which it is; whether one is made."""
    chunk = banks.chunk(params.bus_bytes)
    for port, name in ((dut.input, "piece"), (dut.beats, "beat")):
        bits = Value.cast(port.payload)
        m.d.comb += [bits.eq(free(m, len(bits), name)), port.valid.eq(free(m, 1, f"{name}_comes"))]
    m.d.comb += Assume(_sound(dut.input.payload, banks))
    piece = inside.signal("piece")
    step, busy = Signal(name="step"), Signal(name="busy")
    m.d.comb += [step.eq(inside.signal("go")), busy.eq(~dut.input.ready | step)]
    claim(m, implies(busy, _sound(piece, banks)))
    _waits(m, dut, piece, busy, step)
    offset = _within(m, address, piece.dst, banks, "of_step")
    length = Mux(piece.fill, banks.lanes, chunk)
    beat = dut.beats.payload.word_select(piece.chunk, 8 * chunk)
    copied = beat.word_select(offset[: bits_for(chunk - 1)], 8)
    hit = step & (offset < length) & (offset >= piece.skip) & (offset <= piece.left)
    return hit, Mux(piece.fill, piece.value, copied), step


def _sound(piece, banks):
    """What pieces are: not empty; fills have no first bytes to skip, and are of whole words."""
    rest = piece.dst[: bits_for(banks.word - 1)] if banks.word > 1 else piece.dst[:0]
    ends = piece.left[: len(rest)]
    fill = (piece.skip == 0) & (piece.chunk == 0) & (rest == 0) & ends.all()
    return (piece.skip <= piece.left) & implies(piece.fill, fill)


def _waits(m, dut, piece, busy, step):
    """A cycle without a step changes nothing, and takes nothing but a piece where there is none."""
    waited, before = Signal(name="waited"), Signal(len(piece.as_value()), name="piece_before")
    m.d.sync += [waited.eq(busy & ~step), before.eq(piece.as_value())]
    claim(
        m,
        implies(waited, busy & (piece.as_value() == before)),
        implies(~step, ~dut.beats.ready),
        implies(busy & ~step, ~dut.input.ready),
    )


def _lands(m, write, banks, address, sources):
    """Claim that the byte is written when a source had it PLACE_LATENCY cycles ago, and only then.

    Args:
        sources: whether each has it now, and which byte it is; never two at once.
    """
    pairs = []
    for number, (hit, value) in enumerate(sources):
        for cycle in range(PLACE_LATENCY):
            hit = _later(m, hit, f"hit_{number}_{cycle + 1}")
            value = _later(m, value, f"value_{number}_{cycle + 1}")
        pairs.append((hit, value))
    word = bits_for(banks.word - 1) if banks.word > 1 else 0
    bank = address[word : word + bits_for(banks.count - 1)]
    row, lane = address[bits_for(banks.lanes - 1) :], address[: bits_for(banks.lanes - 1)]
    written, port = Signal(name="written"), Value.cast(write.data)
    m.d.comb += written.eq(write.enable.bit_select(lane, 1) & (write.row[bank] == row))
    claim(m, written == (sum(hit for hit, _ in pairs) != 0))
    claim(m, *(implies(hit, port.word_select(lane, 8) == value) for hit, value in pairs))
    if len(pairs) > 1:
        claim(m, ~(pairs[0][0] & pairs[1][0]))


#: What all commands of an image have in common.
IMAGE = ("dst", "pitch_x", "pitch_y", "out_w", "cols", "near")


def vectors(component) -> Module:
    """Each vector that stays comes out once, a cycle later, at dst + x * pitch_x + y * pitch_y.

    Vectors, ends and new images come when they like, as the StoreEngine allows: ``config`` is there
    a cycle before ``begin`` or a vector, and an image's commands have its fields in common.  The
    pieces of other vectors wait for the bus as long as it likes.
    """
    m = Module()
    dut = component(ARRAY)
    inside = Inside.of(m, "dut", dut)
    for port, name in ((dut.config, "config"), (dut.input.payload, "vector")):
        bits = Value.cast(port)
        m.d.comb += bits.eq(free(m, len(bits), name))
    vector, config = dut.input.payload, dut.config
    m.d.comb += [
        dut.begin.eq(free(m, 1, "begin")),
        dut.input.valid.eq(free(m, 1, "comes")),
        dut.output.ready.eq(free(m, 1, "take")),
    ]
    taken = Signal(name="taken")
    m.d.comb += taken.eq(dut.input.valid & dut.input.ready & ~vector.end)
    address, begun, image = _raster(m, dut, taken)
    same = config.as_value() == _later(m, config.as_value(), "config_before")
    fields = Cat(config[name] for name in IMAGE)
    m.d.comb += [
        Assume(implies(dut.begin | dut.input.valid, same)),
        Assume(implies(dut.input.valid, begun & ~dut.begin & (fields == image.as_value()))),
        Assume(config.out_w != 0),
    ]
    _walks(m, inside, address, begun, image)
    stays, came, addr_bits = taken & config.near, Signal(name="came"), len(dut.near.addr)
    m.d.sync += came.eq(stays)
    claim(
        m,
        dut.near.valid == came,
        implies(came, dut.near.addr == _later(m, address.next, "address_before")[: addr_bits]),
        implies(came, dut.near.data.as_value() == _later(m, vector.data.as_value(), "data")),
        implies(came, dut.near.cols == _later(m, config.cols, "cols")[: len(dut.near.cols)]),
        # None of it goes to memory, too, and none waits but for pieces of what came before.
        implies(came, ~dut.output.valid),
        implies(~dut.output.valid, dut.input.ready),
    )
    m.d.comb += Cover(came & (address.y == 2) & (address.x == 1))
    return m


def _raster(m, dut, taken):
    """An image's coordinates and addresses as a user knows them; whether one was begun; its fields.
    """
    config, width = dut.config, len(Value.cast(dut.config.dst))
    state = Signal(data.StructLayout({"x": 16, "y": 16, "next": width, "row": width}))
    image = Signal(data.StructLayout({name: Value.cast(config[name]).shape() for name in IMAGE}))
    begun = Signal(name="begun")
    with m.If(dut.begin):
        m.d.sync += [
            begun.eq(1), image.eq(Cat(config[name] for name in IMAGE)), state.x.eq(0),
            state.y.eq(0), state.next.eq(config.dst), state.row.eq(config.dst),
        ]  # fmt: skip
    with m.Elif(taken):
        m.d.sync += [state.x.eq(state.x + 1), state.next.eq(state.next + image.pitch_x)]
        with m.If(state.x == image.out_w - 1):
            below = state.row + image.pitch_y
            m.d.sync += [
                state.x.eq(0), state.y.eq(state.y + 1), state.next.eq(below), state.row.eq(below),
            ]  # fmt: skip
    return state, begun, image


def _walks(m, inside, address, begun, image):
    """Claim how the block's registers belong to the coordinates."""
    own, row, behind = map(inside.signal, ("address", "row", "behind"))
    bits = len(own)
    claim(
        m,
        implies(begun, own == address.next[:bits]),
        implies(begun, row == (address.row + image.pitch_y)[:bits]),
        implies(begun, (behind + address.x)[:16] == (image.out_w - 1)[:16]),
        implies(begun, address.x < image.out_w),
        implies(begun, inside.signal("row_ends") == (behind == 0)),
    )
