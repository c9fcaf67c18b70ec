"""Proof that the store engine's queues have a place for everything that comes."""

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.hdl import Assume, Cover

from accel.isa import RECORD_BYTES
from accel.params import MAX_BURST, Params
from accel.rtl.memory.burst import QUEUE_DEPTH, RECORDS, SLACK
from tests.formal.follow import Place
from tests.formal.inside import Inside
from tests.formal.memory import SMALL
from tests.formal.prove import claim, free, implies
from tests.formal.streams import queue_holds

#: A machine whose queue of beats would be half as deep with places for a single record.
BROAD = Params(rows=4, cols=4, window_taps=0, bus_bytes=16, addr_bits=16)
#: One whose vectors are several beats.
LONG = Params(rows=4, cols=16, window_taps=0, bus_bytes=4, addr_bits=16)
#: What a queue may hold in the cycle in which a vector begins: ``room`` told of the one before.
ROOMY = QUEUE_DEPTH - 2 * SLACK + 1


def store_room(component, params: Params = SMALL, rush: int | None = None) -> Module:
    """No beat and no burst of the store engine finds its queue full, however many records are due.

    Vectors and ends come as they like, and the bus takes and answers as it likes.  Assumed is that
    a record begins only for an end with ``mark`` that went in and had none yet: the queues that it
    passes are proved to keep what they hold.

    What is in a queue, what is in front of it, and what comes whatever room there is - the rest of
    a vector and the records that are due - all have a place together.  That sum grows only where a
    vector or an end begins, and there is room then.

    With ``rush`` nothing is free: vectors of a byte come as fast as they may, and from so many on
    an end behind each; the bus takes none.  Only so does a search get to full queues in time.
    """
    m = Module()
    dut = component(params)
    inside = Inside.of(m, "dut", dut)
    if rush is None:
        _surround(m, dut, params)
    else:
        _rush(m, dut, params, rush)
    vectors, records = inside.block("vectors"), inside.block("records")
    merger, bursts = inside.block("merger"), inside.block("bursts")
    due, may_begin = inside.signal("due"), inside.signal("may_begin")
    start, busy = records.component.start, records.component.busy
    m.d.comb += Assume(implies(start, due != 0))
    beats, waiting = _queue(m, bursts.block("beats")), _queue(m, bursts.block("bursts"))
    stages = _stages(m, merger)
    rest, behind = _rest_of_vector(m, vectors, params)
    coming, place = _rest_of_record(m, records, params)
    others = Signal.like(due)  # records that are due and have not begun
    m.d.comb += others.eq(due - busy)
    pieces = max(1, RECORD_BYTES // params.bus_bytes)
    most_beats = beats + sum(stage.writes for stage in stages) + rest + coming + pieces * others
    most_bursts = (
        waiting
        + _openings(bursts, stages)
        + Mux(rest != 0, ~_goes_on(behind, stages) + _crossings(behind, rest), 0)
        # Where a vector's rest comes first, a record's cannot go on with what is there now.
        + Mux(coming != 0, ((rest != 0) | ~_goes_on(place, stages)) + _crossings(place, coming), 0)
        + 2 * others
    )
    claim(
        m,
        due <= RECORDS,
        due >= busy,
        implies(may_begin, due < RECORDS),
        implies(may_begin, ~records.component.output.valid),
        implies(may_begin, (beats <= ROOMY) & (waiting <= ROOMY)),
        most_beats <= bursts.block("beats").component._depth,
        most_bursts <= QUEUE_DEPTH,
    )
    m.d.comb += Cover(start)
    return m


def _surround(m, dut, params):
    """Let vectors, ends, the bus and everything else be as they like."""
    ports = {
        "config": dut.config, "vector": dut.input.payload, "record": dut.record,
        "begin": dut.begin, "comes": dut.input.valid, "halt": dut.halt, "base": dut.base,
        "awready": dut.axi.awready, "wready": dut.axi.wready, "bvalid": dut.axi.bvalid,
        "bresp": dut.axi.bresp,
    }  # fmt: skip
    for name, port in ports.items():
        bits = Value.cast(port)
        m.d.comb += bits.eq(free(m, len(bits), name))
    m.d.comb += Assume((dut.config.cols >= 1) & (dut.config.cols <= params.cols))


def _rush(m, dut, params, count):
    """Vectors of a byte, apart in memory, and ends once there were ``count``; a bus that rests."""
    vectors, ended = Signal(range(count + 1), name="vectors"), Signal(init=1, name="was_end")
    end = (vectors == count) & ~ended
    with m.If(dut.input.ready):
        m.d.sync += [ended.eq(end), vectors.eq(vectors + (vectors != count))]
    m.d.comb += [
        dut.config.cols.eq(1),
        dut.config.pitch_x.eq(2 * params.bus_bytes),
        dut.config.mark.eq(1),
        dut.input.valid.eq(1),
        dut.input.payload.end.eq(end),
        dut.halt.eq(1),
    ]


def _queue(m, queue) -> Signal:
    """Claim that the queue takes what comes to it; return how much it holds."""
    source, content = queue.component.input, Value.cast(queue.component.output.payload)
    nothing = Place(Const(0), Const(0, 8), Const(0, len(content)))
    held = queue_holds(m, queue, queue.component._depth, nothing)
    claim(m, implies(source.valid, source.ready))
    return held


class Stage:
    """A stage of the merger.

    Attributes:
        valid, writes, ends: it holds a piece; one with bytes; one that ends a command.
        addr: the piece's.
    """

    def __init__(self, valid, piece, ends=0):
        self.valid, self.addr = valid, piece.addr
        self.writes, self.ends = valid & piece.write, ends


def _stages(m, merger):
    """The merger's stages, the first one first; claims how they hang together."""
    pieces = [merger.signal(name) for name in ("taken", "rotated", "placed")]
    valid = [merger.signal(f"{name}_valid") for name in ("taken", "rotated", "placed")]
    current, placed, placed_valid = merger.signal("current"), pieces[-1], valid[-1]
    same, last_addr, next_addr = map(merger.signal, ("same", "last_addr", "next_addr"))
    both = placed_valid & current.write
    claim(
        m,
        *(implies(v, p.write ^ p.close) for v, p in zip(valid, pieces, strict=True)),
        merger.component.valid_out == (placed_valid & (placed.close | (current.write & ~same))),
        implies(placed_valid, last_addr == placed.addr),
        implies(~placed_valid & current.write, last_addr == current.addr),
        implies(placed_valid | current.write, next_addr == _next(last_addr)),
        implies(both, same == (placed.addr == current.addr)),
        implies(both, placed.follows == (placed.addr == _next(current.addr))),
    )
    return [
        *(Stage(v, p, v & p.close & p.finish.end) for v, p in zip(valid, pieces, strict=True)),
        Stage(current.write, current),
    ]


def _next(addr):
    """The address of the beat behind."""
    return (addr + 1)[: len(addr)]


def _goes_on(addr, stages):
    """Whether a beat at ``addr`` goes on with the burst of the last piece in these stages."""
    goes_on = Const(0)
    for stage in reversed(stages):
        follows = (addr == _next(stage.addr)) & (addr % MAX_BURST != 0)
        goes_on = Mux(stage.valid, stage.writes & follows, goes_on)
    return goes_on


def _crossings(addr, beats):
    """How many of so many ``beats`` from ``addr`` on, but the first, begin a burst."""
    return ((addr % MAX_BURST) + beats - 1).as_unsigned() // MAX_BURST


def _openings(bursts, stages):
    """The burst that is open, and those that what is in the merger will open."""
    is_open, full, opened = map(bursts.signal, ("is_open", "full", "opened"))
    taken, rotated, placed, current = stages
    joins = bursts.component.beat.follows & is_open & ~full
    merges = current.writes & (placed.addr == current.addr)
    return (
        # What only a record's end has opened is no burst.
        (is_open & (~full | (opened.beats != 0) | opened.finish.end))
        + (current.writes & ~joins)
        + (placed.writes & ~merges & ~_goes_on(placed.addr, stages[3:]))
        + (rotated.writes & ~_goes_on(rotated.addr, stages[2:]))
        + (taken.writes & ~_goes_on(taken.addr, stages[1:]))
        + sum(stage.ends for stage in (taken, rotated, placed))
    )


def _rest_of_vector(m, vectors, params):
    """How many beats of the vector under way are still to come, and the first one's address."""
    output, piece = vectors.component.output, vectors.component.output.payload
    bound, fits, last = map(vectors.signal, ("bound", "fits", "last_of_more"))
    bus_bytes, most = params.bus_bytes, (params.cols + params.bus_bytes - 2) // params.bus_bytes
    rest, under_way = Signal(range(most + 2), name="rest"), Signal(name="under_way")
    m.d.comb += [
        under_way.eq(output.valid & ~piece.first),
        rest.eq(Mux(under_way, (bound + bus_bytes - 1) // bus_bytes, 0)),
    ]
    claim(
        m,
        implies(output.valid, piece.write ^ piece.close),
        implies(output.valid, piece.finish.end),
        implies(output.valid & piece.first & piece.write, fits == (bound <= bus_bytes)),
        implies(output.valid & piece.write, (bound != 0) & (bound < bus_bytes + params.cols)),
        implies(under_way, piece.write & (last == (bound <= bus_bytes)) & (bound < params.cols)),
    )
    return rest, piece.addr


def _rest_of_record(m, records, params):
    """How many beats of the record under way are still to come, and the first one's address."""
    output, busy = records.component.output, records.component.busy
    left, grabs = records.signal("left"), records.signal("grabs")
    state = records.signal("m")._generated["fsm"].state
    addr, pieces = output.payload.addr, max(1, RECORD_BYTES // params.bus_bytes)
    step = Signal(name="step")  # between two pieces
    coming, place = Signal.like(left, name="coming"), Signal.like(addr, name="place")
    m.d.comb += [
        step.eq(busy & ~grabs & ~output.valid),
        coming.eq(Mux(busy, Mux(grabs, pieces, left - step), 0)),
        place.eq(addr + step),
    ]
    idle, snapshot, write, between = range(4)
    claim(
        m,
        left <= pieces,
        implies(step, left != 0),
        implies(state == idle, ~busy & ~grabs & ~output.valid),
        implies(state == snapshot, busy & grabs & ~output.valid),
        implies(state == write, busy & ~grabs & output.valid),
        implies(state == between, step),
    )
    return coming, place
