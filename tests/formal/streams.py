"""Proofs of the stream register and the queues."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Cover

from accel.rtl.control.command_queue import WORD_BITS, words_of
from accel.rtl.parts.queue import RamQueue
from tests.formal.follow import Follower, stays
from tests.formal.inside import Inside
from tests.formal.prove import claim, free, implies


def slice_holds(m, inside, place) -> Signal:
    """Claim the invariants of a StreamSlice; return how many entries it holds."""
    valid, spared = inside.component.output.valid, inside.signal("spared")
    level = Signal(2, name="slice_level")
    m.d.comb += level.eq(valid + spared)
    filled, emptied = inside.signal("filled"), inside.signal("emptied")
    places = inside.signal("places")
    first, second = Mux(emptied, places[1], places[0]), Mux(emptied, places[0], places[1])
    claim(
        m,
        implies(spared, valid),
        (filled ^ emptied) == (valid & ~spared),
        implies(place.following & (place.position == 0) & valid, first == place.tag),
        implies(place.following & (place.position == 1) & spared, second == place.tag),
    )
    return level


def queue_holds(m, inside, depth, place) -> Signal:
    """Claim the invariants of a RamQueue; return how many entries it holds.

    The oldest entries are in the register slice, then one in the FIFO's output latch, then those
    in the RAM, from ``consume`` on.
    """
    fifo = inside.block("fifo")
    latched, latch = fifo.component.r_rdy, fifo.component.r_data
    stored, produce, consume = map(fifo.signal, ("inner_level", "produce", "consume"))
    level = slice_holds(m, inside.block("slice"), place)
    held = Signal(range(depth + 4), name="queue_held")
    m.d.comb += held.eq(level + latched + stored)
    in_latch = place.behind(m, level, "slice")
    in_ram = in_latch.behind(m, latched, "latch")
    word = fifo.word("storage", consume + in_ram.position, "stored_word")
    claim(
        m,
        inside.component.level == held,
        stored <= depth,
        (produce - consume)[: len(produce)] == stored[: len(produce)],
        implies(in_latch.following & (in_latch.position == 0) & latched, latch == place.tag),
        implies(in_ram.following & (in_ram.position < stored), word == place.tag),
    )
    # The queue's own count of what is in the RAM.
    claim(
        m,
        inside.signal("stored") == stored,
        inside.signal("full") == (stored == depth),
    )
    return held


def _queue(m, dut, width, capacity) -> Follower:
    """Free the surroundings: anything may be offered, or taken, in any cycle."""
    m.d.comb += [
        dut.input.valid.eq(free(m, 1, "offer")),
        dut.input.payload.eq(free(m, width, "entry")),
        dut.output.ready.eq(free(m, 1, "take")),
    ]
    stays(m, dut.output.valid, dut.output.ready, dut.output.payload, "output")
    return Follower(
        m, capacity,
        entered=dut.input.valid & dut.input.ready, payload=dut.input.payload,
        left=dut.output.valid & dut.output.ready, offered=dut.output.payload,
        valid=dut.output.valid,
    )  # fmt: skip


def stream_slice(component, width: int = 8) -> Module:
    """It takes an entry unless it holds two, and offers one whenever it holds any."""
    m = Module()
    dut = component(width)
    inside = Inside.of(m, "dut", dut)
    follower = _queue(m, dut, width, 2)
    held = slice_holds(m, inside, follower.place)
    claim(m, held == follower.held, dut.level == held)
    claim(m, dut.input.ready == (held != 2), dut.output.valid == (held != 0))
    m.d.comb += Cover(held == 2)
    return m


def eager_fifo(component, width: int = 8, depth: int = 4) -> Module:
    """It takes an entry unless it is full, and offers the oldest in the cycle after it came."""
    m = Module()
    dut = component(width, depth)
    inside = Inside.of(m, "dut", dut)
    m.d.comb += [
        dut.w_en.eq(free(m, 1, "offer")),
        dut.w_data.eq(free(m, width, "entry")),
        dut.r_en.eq(free(m, 1, "take")),
    ]
    follower = Follower(
        m, depth, entered=dut.w_en & dut.w_rdy, payload=dut.w_data,
        left=dut.r_en & dut.r_rdy, offered=dut.r_data, valid=dut.r_rdy,
    )  # fmt: skip
    first, behind, counted = (inside.signal(name) for name in ("first", "behind", "counted"))
    place = follower.place
    word = inside.word("storage", first + place.position, "stored_word")
    claim(
        m,
        dut.level == follower.held,
        dut.w_rdy == (dut.level != depth),
        dut.r_rdy == (dut.level != 0),
        (behind - first)[: len(first)] == counted[: len(first)],
        implies(place.following, word == place.tag),
    )
    m.d.comb += Cover(dut.level == depth)
    return m


def ram_queue(component, width: int = 8, depth: int = 4) -> Module:
    """It takes ``depth`` entries at least, and is never silent for long with any inside."""
    m = Module()
    dut = component(width, depth)
    inside = Inside.of(m, "dut", dut)
    follower = _queue(m, dut, width, depth + 3)
    held = queue_holds(m, inside, depth, follower.place)
    claim(m, held == follower.held, dut.level == held, implies(held < depth, dut.input.ready))
    # An entry comes to the output of an empty queue in its LATENCYth cycle.
    silent = Signal(range(component.LATENCY + 1))
    with m.If((held == 0) | dut.output.valid):
        m.d.sync += silent.eq(0)
    with m.Else():
        m.d.sync += silent.eq(silent + 1)
    latched = inside.block("fifo").component.r_rdy
    claim(
        m,
        implies(silent == component.LATENCY - 1, dut.output.valid),
        implies(silent == component.LATENCY - 2, dut.output.valid | latched),
        silent < component.LATENCY,
    )
    m.d.comb += Cover(held == min(depth, 6) + 2)
    return m


def command_queue(component, bits: int = 2 * WORD_BITS, depth: int = 2) -> Module:
    """A command comes out as its words went in, and no word finds the queue full.

    The sender begins a command only while ``free``, not in the cycle after another's last word,
    as the docstring demands.  It may pause between words, which Dispatch does not.
    """
    m = Module()
    dut, count = component(bits, depth), words_of(bits)
    inside = Inside.of(m, "dut", dut)
    sending, settling, sent, commands = _send_commands(m, dut, count, depth)
    m.d.comb += dut.output.ready.eq(free(m, 1, "take"))
    output = dut.output
    stays(m, output.valid, output.ready, output.payload, "output")
    words = Follower(
        m, count * (depth + 1),
        entered=dut.write, payload=dut.word, left=output.valid & output.ready,
        offered=output.payload, valid=output.valid, batch=count,
    )  # fmt: skip
    claim(m, words.held == commands * count + sent)
    _words_are_there(m, dut, inside, words, count, depth)

    held, taken = inside.signal("held"), inside.signal("taken")
    claim(
        m,
        held == commands + taken,
        held <= depth,
        dut.pending == (held != 0),
        implies(output.valid, held != 0),
        # A command is only begun, and so is only under way, where it has a place.
        implies(sending | (dut.free & ~settling), held != depth),
    )
    _is_lively(m, output, commands, count + RamQueue.LATENCY + 1)
    m.d.comb += Cover((commands == 2) & output.valid)
    return m


def _is_lively(m, output, commands, limit):
    """No deadlock: with all words of a command inside, one is offered within ``limit`` cycles.

    The induction must be as long as the silence, for nothing else says how it comes about.
    """
    silent = Signal(range(limit + 1))
    with m.If((commands == 0) | output.valid):
        m.d.sync += silent.eq(0)
    with m.Else():
        m.d.sync += silent.eq(silent + 1)
    claim(m, silent < limit)


def _send_commands(m, dut, count, depth):
    """Drive the queue as its docstring says.

    Returns:
        Levels: a command is under way; it ended in the last cycle.  Its words so far.  Commands
        inside.
    """
    begin, write = free(m, 1, "begin"), free(m, 1, "go_on")
    sending, settling = Signal(), Signal()
    sent, commands = Signal(range(count)), Signal(range(depth + 2))
    begins = begin & dut.free & ~sending & ~settling
    m.d.comb += [
        dut.word.eq(free(m, WORD_BITS, "word")),
        dut.write.eq(sending & write),
        dut.entered.eq(dut.write & (sent == count - 1)),
    ]
    m.d.sync += [
        sending.eq(begins | (sending & ~dut.entered)),
        settling.eq(dut.entered),
        commands.eq(commands + dut.entered - (dut.output.valid & dut.output.ready)),
    ]
    with m.If(dut.write):
        m.d.sync += sent.eq(0)
        with m.If(~dut.entered):
            m.d.sync += sent.eq(sent + 1)
    claim(
        m,
        commands <= depth,
        sent < count,
        implies(~sending, sent == 0),
        ~(sending & settling),
    )
    return sending, settling, sent, commands


def _words_are_there(m, dut, inside, words, count, depth):
    """Claim where the words are: shifted into the command, in the queue, or on their way to it."""
    queue_depth = max(4, 1 << (count * depth - 1).bit_length())
    command, left = inside.signal("command"), inside.signal("left")
    queue, word = inside.block("words"), inside.signal("word")
    coming = queue.component.input.valid
    shifted = Signal(range(count + 1))
    m.d.comb += shifted.eq(Mux(dut.output.valid, count, count - 1 - left))
    in_queue = words.place.behind(m, shifted, "command")
    held = queue_holds(m, queue, queue_depth, in_queue)
    on_its_way = in_queue.behind(m, held, "queue")
    lane = (count - shifted + words.place.position)[: (count - 1).bit_length()]
    claim(
        m,
        implies(dut.output.valid, left == count - 1),
        left < count,
        words.held == shifted + held + coming,
        implies(
            words.place.following & (words.place.position < shifted),
            command.word_select(lane, WORD_BITS) == words.place.tag,
        ),
        implies(on_its_way.following & coming, word == words.place.tag),
        implies(coming, queue.component.input.ready),
    )
