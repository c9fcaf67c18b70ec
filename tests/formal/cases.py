"""What is proved, and the planted bugs that the same proofs refute."""

import dataclasses

from accel.isa import Rounding
from accel.params import MAX_BURST
from accel.rtl.array.pair import LowProduct, Separator, packed
from accel.rtl.control.command_queue import CommandQueue
from accel.rtl.control.fetch import Prefetch
from accel.rtl.control.gate import CommandGate
from accel.rtl.control.limits import Budget
from accel.rtl.control.scoreboard import Scoreboard
from accel.rtl.im2col.banks import window_banks
from accel.rtl.im2col.buffer import BankedBuffer
from accel.rtl.im2col.entrance import Im2colEntrance
from accel.rtl.im2col.place import Placer
from accel.rtl.memory.burst import BurstWriter
from accel.rtl.memory.pieces import VectorCutter
from accel.rtl.memory.read import ReadMaster
from accel.rtl.memory.readahead import ReadAhead
from accel.rtl.memory.store import StoreEngine
from accel.rtl.memory.write_arbiter import WriteArbiter
from accel.rtl.parts.eager import EagerFIFO
from accel.rtl.parts.queue import RamQueue
from accel.rtl.parts.rotate import rotated
from accel.rtl.parts.slice import StreamSlice
from accel.rtl.post.normalise import Normaliser
from accel.rtl.post.requantise import Requantiser
from accel.rtl.window.entrance import BufferEntrance
from tests.formal import (
    buffers,
    counters,
    entrances,
    memory,
    products,
    requantiser,
    store,
    streams,
)
from tests.formal.case import Apart, Bug, Case

STREAMS = (
    Case(
        "StreamSlice", StreamSlice, streams.stream_slice,
        bugs=(
            Bug("it does not look at ready", "waits.eq(self.output.valid & ~self.output.ready)",
                "waits.eq(0)"),
            Bug("the spare entry is forgotten", "self.output.valid.eq(waits | spared | ",
                "self.output.valid.eq(waits | "),
            Bug("a place is filled while it is offered", "m.If(~spared & ~filled)",
                "m.If(~filled)"),
        ),
    ),
    Apart(
        "StreamSlice, paths", "Neither valid nor ready passes it in the same cycle.",
        StreamSlice, (8,),
        lambda dut: [dut.input.valid, dut.output.ready],
        lambda dut: [dut.output.valid, dut.output.payload, dut.input.ready],
        bugs=(Bug("ready passes", "self.input.ready.eq(~spared)",
                  "self.input.ready.eq(~spared | self.output.ready)"),),
    ),
    Case(
        "EagerFIFO", EagerFIFO, streams.eager_fifo,
        bugs=(Bug("what is offered is written also where there is no room",
                  "write.en.eq(self.w_rdy)", "write.en.eq(1)", 12),),
    ),
    Case(
        "RamQueue, 4 entries", RamQueue, streams.ram_queue,
        bugs=(Bug("full comes one entry late", "full.eq(stored == self._depth - 1)",
                  "full.eq(stored == self._depth)", 12),),
    ),
    Apart(
        "RamQueue, paths", "Neither valid nor ready passes it in the same cycle.",
        RamQueue, (8, 4),
        lambda dut: [dut.input.valid, dut.output.ready],
        lambda dut: [dut.output.valid, dut.output.payload, dut.input.ready],
        bugs=(Bug("ready passes", "self.input.ready.eq(~full)",
                  "self.input.ready.eq(~full | self.output.ready)"),),
    ),
    Case(
        "RamQueue, 64 entries of 72 bits", RamQueue, streams.ram_queue,
        {"width": 72, "depth": 64}, campaign=True,
    ),
    Case(
        "CommandQueue, 2 commands of 2 words", CommandQueue, streams.command_queue, depth=6,
        bugs=(Bug("one more is let in", "self.free.eq(held != self._depth)",
                  "self.free.eq(held != self._depth + 1)", 16),),
        campaign=True,
    ),
    Case(
        "CommandQueue, 2 commands of 4 words", CommandQueue, streams.command_queue,
        {"bits": 256}, depth=8, cover=16, campaign=True, timeout=600,
    ),
)  # fmt: skip

MEMORY = (
    Case(
        "ReadAhead, an entry a beat", ReadAhead, memory.read_ahead, campaign=True,
        bugs=(Bug("half a burst is thought to be room for one",
                  "room[bits_for(MAX_BURST - 1) :]",
                  "room[bits_for(MAX_BURST - 1) - 1 :]"),),
    ),
    Case(
        "ReadAhead, two beats an entry", ReadAhead, memory.read_ahead, {"entry_bytes": 8},
        bugs=(Bug("room is given back for one beat", "self.output.valid, self._ratio, 0)",
                  "self.output.valid, 1, 0)", 12),),
        campaign=True,
    ),
    Apart(
        "ReadAhead, paths", "A burst that is asked for waits for no ready.",
        ReadAhead, (memory.SMALL, 4, 2 * MAX_BURST),
        lambda dut: [dut.client.request.ready, dut.output.ready],
        lambda dut: [dut.client.request.valid, dut.client.request.payload, dut.output.valid],
    ),
    Case(
        "WriteArbiter", WriteArbiter, memory.write_arbiter,
        bugs=(
            Bug("the first master goes first always", "chosen.eq(last_owner ^ other_asks)",
                "chosen.eq(~asking[0])"),
            Bug("a last beat that is not there ends a burst",
                "master.wvalid & master.wready & master.wlast", "master.wready & master.wlast"),
            Bug("a beat is taken while the bus has none free",
                "free.eq(~axi.wvalid | axi.wready)", "free.eq(1)"),
        ),
    ),
    Apart(
        "WriteArbiter, paths", "The bus's valids wait for no ready.",
        WriteArbiter, (memory.SMALL,),
        lambda dut: [dut.axi.awready, dut.axi.wready, *(one.awvalid for one in dut.masters)],
        lambda dut: [dut.axi.awvalid, dut.axi.awaddr, dut.axi.wvalid, dut.axi.wdata],
    ),
    Case(
        "Prefetch, 64-byte beats", Prefetch, memory.prefetch,
        bugs=(Bug("room for one beat is thought to be room for a burst", "(room >= burst)",
                  "(room != 0)", 12),),
    ),
    Case(
        "BurstWriter", BurstWriter, memory.burst_beats, cover=14,
        bugs=(Bug("a burst of two waits behind the last beat of another, and is counted as begun",
                  "one.eq(~one & (left == 2))", "one.eq(left == 2)", 14),),
        campaign=True,
    ),
    Case(
        "StoreEngine, 16-byte beats", StoreEngine, store.store_room, {"params": store.BROAD},
        cover=14,
        bugs=(
            Bug("an end is counted a cycle late", "return due_soon", "return due", 10),
            Bug("twice as many records may be due", "< RECORDS)", "< 2 * RECORDS)", 16,
                {"rush": 0}),
            Bug("one record that is due has places", "COMING + RECORDS * record + rest",
                "COMING + record + rest", 64, {"rush": 46}, BurstWriter),
        ),
    ),
    Case(
        "StoreEngine, 4-byte beats", StoreEngine, store.store_room, cover=14,
        bugs=(
            Bug("a record is not due any more from its first piece on",
                "- (records.ready & records.payload.close)", "- records.ready", 18),
            Bug("vectors begin whatever room there is", "bursts.room & ~records_soon",
                "~records_soon", 64, {"rush": 255}),
            Bug("no room is kept for what still comes",
                "(beats.level <= QUEUE_DEPTH - 2 * SLACK) "
                "& (bursts.level <= QUEUE_DEPTH - 2 * SLACK)",
                "(beats.level <= QUEUE_DEPTH) & (bursts.level <= QUEUE_DEPTH)", 64,
                {"rush": 255}, BurstWriter),
        ),
        campaign=True, timeout=600,
    ),
    Case(
        "StoreEngine, vectors of several beats", StoreEngine, store.store_room,
        {"params": store.LONG}, cover=14, campaign=True,
    ),
    Case(
        "ReadMaster, 3 readers", ReadMaster, memory.read_master,
        bugs=(Bug("an address is replaced before it is taken",
                  "(~axi.arvalid | axi.arready) & ~full", "~full"),),
    ),
)  # fmt: skip

BUFFERS = (
    Case(
        "rotated, 16 elements of 2 bits", rotated, buffers.rotation, {"width": 2},
        bugs=(Bug("right is left", "else len(value) - (unit << bit)", "else (unit << bit)"),),
    ),
    Case("rotated, 16 bytes", rotated, buffers.rotation, campaign=True),
    Case(
        "pitch of rows, 16 lanes", buffers.legal_pitch, buffers.lanes,
        bugs=(Bug("rows end where they end", "return extra[:lane_bits] == 0",
                  "return extra[:lane_bits] == 1"),),
    ),
    *(
        Case(f"pitch of rows, {count} lanes", buffers.legal_pitch, buffers.lanes,
             {"lanes_": count})
        for count in (4, 8, 32, 64, 128)
    ),
    Case(
        "BankedBuffer, 4 banks of bytes", BankedBuffer, buffers.banked_buffer, depth=7,
        bugs=(Bug("a wrong carry into the row", "carry.eq(bank < first_bank[2])",
                  "carry.eq(bank <= first_bank[2])", 10),),
    ),
    Case(
        "BankedBuffer, 4 banks of 2-byte words", BankedBuffer, buffers.banked_buffer,
        {"word": 2}, depth=7, campaign=True,
    ),
)  # fmt: skip

_NO_STALL = Bug("copies go on while results come", "self.stall.eq(self.near.valid)",
                "self.stall.eq(0)")
_WORDS = {"params": entrances.WINDOW, "banks_of": window_banks}

ENTRANCES = (
    Case(
        "VectorCutter, results that stay", VectorCutter, entrances.vectors, depth=2,
        bugs=(
            Bug("a result goes to memory, too", "self.output.valid.eq(self.input.valid & ~near)",
                "self.output.valid.eq(self.input.valid)"),
            Bug("a result that waits is handed on twice", "goes = self.input.valid & ready & near",
                "goes = self.input.valid & near"),
            Bug("rows end a pixel late", "row_ends.eq(behind == 1)", "row_ends.eq(behind == 0)"),
        ),
    ),
    Case(
        "Placer, 4 banks of bytes", Placer, entrances.placer, depth=3,
        bugs=(
            Bug("it does not look at stall", "self.beats.valid) & ~self.stall)",
                "self.beats.valid))"),
            Bug("a beat is taken without a step", "ready.eq(go & ~piece.fill",
                "ready.eq(busy & ~piece.fill"),
            Bug("a byte of the first bank goes a row further",
                "Mux(bank < first_bank, next_row, row)", "Mux(bank <= first_bank, next_row, row)"),
        ),
    ),
    Case("Placer, 2 banks of 4-byte words", Placer, entrances.placer, _WORDS, depth=3),
    Case(
        "Im2colEntrance, 4 banks", Im2colEntrance, entrances.entrance, depth=3,
        bugs=(
            _NO_STALL,
            Bug("a pixel is written again", "mine.eq(enables & valid.replicate(len(enables)))",
                "mine.eq(enables)"),
            Bug("bytes before the first one are not a row further",
                "Mux(bank < addr[:bank_bits], following, row)", "row"),
            Bug("one byte too many is written", "lane < self.near.cols", "lane <= self.near.cols"),
        ),
    ),
    Case(
        "Im2colEntrance, 8 banks, pixels half as wide", Im2colEntrance, entrances.entrance,
        {"params": entrances.NARROW}, depth=3,
    ),
    Case(
        "BufferEntrance, 2 banks of 4-byte words", BufferEntrance, entrances.entrance, _WORDS,
        depth=3,
        bugs=(
            _NO_STALL,
            Bug("a word goes to every bank", "way.o.valid & (addr[:bank_bits] == bank)",
                "way.o.valid"),
            Bug("a word comes a cycle behind its gap",
                "Delay(near_layout(self._params), PLACE_LATENCY)",
                "Delay(near_layout(self._params), PLACE_LATENCY + 1)"),
        ),
    ),
)  # fmt: skip

COUNTERS = (
    Case(
        "Scoreboard", Scoreboard, counters.scoreboard, depth=3,
        bugs=(
            Bug("the end does not wait for open commands",
                'seen["dispatch_finished"]\n                & none_open',
                'seen["dispatch_finished"]'),
            Bug("a command counts twice", "self.done[name].eq(self.done[name] + 1)",
                "self.done[name].eq(self.done[name] + 2)"),
        ),
    ),
    Case(
        "CommandGate, EXEC", CommandGate, counters.command_gate,
        bugs=(Bug("a command passes twice", "self.done) & ~taken)", "self.done))"),),
    ),
    Case(
        "Budget", Budget, counters.budget,
        bugs=(
            Bug("a limit of 1 is forgotten", "last.eq(one)", "last.eq(0)"),
            Bug("the end of the run does not matter", "self.ended | self.expired", "self.expired"),
        ),
    ),
)  # fmt: skip

#: Bugs of the last stages, by the rounding whose proof finds them.
_ROUNDING_BUGS = {
    Rounding.DOUBLE: Bug("halves of negative values go up", "self._double & negative(scaled)",
                         "C(0, 1)"),
    Rounding.SINGLE: Bug("the clamp's ends are off by one", "above.eq(less(highest, value))",
                         "above.eq(less(highest + 1, value))"),
    Rounding.AWAY: Bug("halves of negative products go up", "half & (rest | ~less_one)", "half"),
    Rounding.FLOAT: Bug("halves are rounded up, not to even", "up = half & (rest | odd)",
                        "up = half"),
    Rounding.FLOAT_ODD: Bug("halves go to even", "lowest == self._odd", "lowest == 0"),
}  # fmt: skip

REQUANTISER = (
    Case(
        "Normaliser", Normaliser, requantiser.normalise, depth=5,
        bugs=(Bug("halves are rounded up, not to even", "(rest.any() | kept[0])", "1"),),
        campaign=True,
    ),
    Case(
        "Requantiser, stages 5 to 7", Requantiser, requantiser.partial_products, depth=4,
        bugs=(Bug("a low bit is not looked at", "outer_any.eq(low[:LOW].any())",
                  "outer_any.eq(low[1:LOW].any())"),),
    ),
    *(
        Case(
            f"Requantiser, stages 8 to 14, {mode.name}", Requantiser, requantiser.rounding,
            {"modes": (mode,)},
            depth=15, cover=17, campaign=True, timeout=1800,
            bugs=(dataclasses.replace(_ROUNDING_BUGS[mode], cycles=16),),
        )
        for mode in Rounding
    ),
)  # fmt: skip

PRODUCTS = (
    Case(
        "packed weights", packed, products.factor,
        bugs=(Bug("the upper weight's borrow is lost", "((high << SHIFT) + low)[:18]",
                  "((high << SHIFT) + low[:SHIFT].as_unsigned())[:18]"),),
    ),
    Case(
        "LowProduct", LowProduct, products.low_product, depth=3,
        bugs=(Bug("the last two rows are left out", "range(0, OVERLAP, 2)",
                  "range(0, OVERLAP - 2, 2)"),),
    ),
    Case(
        "Separator", Separator, products.separated, depth=3,
        bugs=(
            Bug("(-128) * (-128) is taken for negative",
                "difference[OVERLAP - 1] & self.differ", "difference[OVERLAP - 1]"),
            Bug("a borrow is not taken back", "negative ^ borrow, borrow & ~negative",
                "negative, 0"),
        ),
    ),
)  # fmt: skip

CASES = (*STREAMS, *MEMORY, *BUFFERS, *ENTRANCES, *COUNTERS, *PRODUCTS, *REQUANTISER)
