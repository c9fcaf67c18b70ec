"""The store engine: pooled pixels to memory, and the layer-completion records."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from accel.params import Params
from accel.rtl.interfaces import near_layout, vector_layout, writer
from accel.rtl.memory.burst import RECORDS, BurstWriter
from accel.rtl.memory.merge import BeatMerger
from accel.rtl.memory.pieces import RecordCutter, StoreConfig, VectorCutter
from accel.rtl.parts.forward import forward


class StoreEngine(wiring.Component):
    """Writes each vector's first ``cols`` bytes to dst + x * pitch_x + y * pitch_y.

    Vectors come in raster order of an image ``out_w`` wide.  A vector is cut at bus beats; pieces
    of the same beat are merged, successive beats are collected into bursts.

    Parameters:
        params: the machine.

    Members:
        config: constant from one cycle before ``begin`` or the first vector until ``ended``.
        begin: go to the image's first pixel; only before a command's first vector.
        input: vectors, and the ``end`` token behind a command's last one.
        ended: strobe: an ``end`` token has been taken, the configuration may change.
        completed: strobe, once for each ``end``: all writes before it have arrived.  With
            ``mark``, the counters of the next cycle are then written to ``mark_addr``.
        idle: nothing is inside, but perhaps in ``near``.
        near: vectors that go to a buffer of the chip instead, a cycle after they were taken.
            Their ``end`` takes the way of the others, so commands are completed in order.
        record, axi, halt, base, error, outstanding, progress, beats: see
            accel.rtl.interfaces.writer.

    Throughput: a vector takes a cycle for each bus beat that it touches.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "config": In(StoreConfig),
                "begin": In(1),
                "input": In(stream.Signature(vector_layout(params))),
                "ended": Out(1),
                "completed": Out(1),
                "idle": Out(1),
                "near": Out(near_layout(params)),
            }
            | writer(params)
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.vectors = vectors = VectorCutter(self._params)
        m.submodules.records = records = RecordCutter(self._params)
        m.submodules.merger = merger = BeatMerger(self._params)
        m.submodules.bursts = bursts = BurstWriter(self._params)
        forward(m, self, vectors, ("config", "begin", "input", "ended", "near"))
        forward(m, self, bursts, ("axi", "halt", "base", "error", "outstanding", "progress"))
        forward(m, self, records, ("record",))
        self._choose(m, records.output, records.soon, vectors.output, merger, bursts)
        m.d.comb += [
            bursts.valid.eq(merger.valid_out),
            bursts.beat.eq(merger.beat),
            bursts.hold.eq(records.busy),
            records.addr.eq(bursts.finish.mark_addr),
            records.start.eq(bursts.finished & bursts.finish.mark),
            self.completed.eq(bursts.finished),
            self.beats.eq(bursts.sent),
            self.idle.eq(
                ~(self.input.valid | vectors.output.valid | records.busy | merger.busy)
                & bursts.idle
            ),
        ]
        return m

    def _choose(self, m, records, records_soon, vectors, merger, bursts):
        """Give the merger a piece when there is room.

        Records are rare and go first, but never between the pieces of a vector.  What waits for a
        record to be written may be what there is no room for: a record's pieces, and the rest of
        the vector in front of them, then have places of their own.  There are places for RECORDS:
        while so many are due, no vector begins.
        """
        record_turn, first = Signal(), vectors.payload.first
        # What a piece waits for, beside what it is: registers, as the whole way of vectors to here
        # hears of it.
        may_begin, may_go_on = Signal(), Signal()
        m.d.sync += [
            may_begin.eq(bursts.room & ~records_soon & (self._due(m, records, vectors) < RECORDS)),
            may_go_on.eq(bursts.room | bursts.stuck),
        ]
        m.d.comb += [
            record_turn.eq(records.valid & (~vectors.valid | first)),
            records.ready.eq(may_go_on & record_turn),
            vectors.ready.eq(Mux(first, may_begin, may_go_on)),
            merger.valid.eq(records.ready | (vectors.valid & vectors.ready)),
            merger.piece.eq(Mux(record_turn, records.payload, vectors.payload)),
        ]

    def _due(self, m, records, vectors):
        """Count the records that are due in the next cycle: from the end of their commands to their
        own.
        """
        due, finish = Signal(range(RECORDS + 1)), vectors.payload.finish
        due_soon = Signal.like(due)
        ends = vectors.valid & vectors.ready & vectors.payload.close & finish.mark
        m.d.comb += due_soon.eq(due + ends - (records.ready & records.payload.close))
        m.d.sync += due.eq(due_soon)
        return due_soon
