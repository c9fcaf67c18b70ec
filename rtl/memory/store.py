"""The store engine: pooled pixels to memory, and the layer-completion records."""

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.isa import RECORD_WORDS
from accel.params import Params
from accel.rtl.interfaces import axi_write, vector_layout
from accel.rtl.memory.burst import BurstWriter
from accel.rtl.memory.merge import BeatMerger
from accel.rtl.memory.pieces import RecordCutter, StoreConfig, VectorCutter


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
        record: the counters, live.
        axi: the bus.
        ended: strobe: an ``end`` token has been taken, the configuration may change.
        completed: strobe, once for each ``end``: all writes before it have arrived.  With
            ``mark``, the counters of the next cycle are then written to ``mark_addr``.
        halt: announce no further write.
        error, outstanding, progress, beats: see BurstWriter.
        idle: nothing is inside.

    Throughput: a vector takes a cycle for each bus beat that it touches.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "config": In(StoreConfig),
                "begin": In(1),
                "input": In(stream.Signature(vector_layout(params))),
                "record": In(data.ArrayLayout(unsigned(32), RECORD_WORDS)),
                "axi": Out(axi_write(params)),
                "ended": Out(1),
                "completed": Out(1),
                "halt": In(1),
                "error": Out(1),
                "outstanding": Out(1),
                "progress": Out(1),
                "beats": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.vectors = vectors = VectorCutter(self._params)
        m.submodules.records = records = RecordCutter(self._params)
        m.submodules.merger = merger = BeatMerger(self._params)
        m.submodules.writer = writer = BurstWriter(self._params)
        connect(m, flipped(self.input), vectors.input)
        connect(m, writer.axi, flipped(self.axi))
        m.d.comb += [
            vectors.config.eq(self.config),
            vectors.begin.eq(self.begin),
            self.ended.eq(vectors.ended),
        ]
        self._choose(m, records.output, vectors.output, merger, writer.room)
        m.d.comb += [
            writer.valid.eq(merger.valid_out),
            writer.beat.eq(merger.beat),
            writer.halt.eq(self.halt),
            writer.hold.eq(records.busy),
            records.record.eq(self.record),
            records.addr.eq(writer.finish.mark_addr),
            records.start.eq(writer.finished & writer.finish.mark),
            self.completed.eq(writer.finished),
            self.error.eq(writer.error),
            self.outstanding.eq(writer.outstanding),
            self.progress.eq(writer.progress),
            self.beats.eq(writer.sent),
            self.idle.eq(
                ~(self.input.valid | vectors.output.valid | records.busy | merger.busy)
                & writer.idle
            ),
        ]
        return m

    def _choose(self, m, records, vectors, merger, room):
        """Give the merger a piece when there is room.

        Records are rare and go first, but never between the pieces of a vector.
        """
        record_turn = Signal()
        m.d.comb += [
            record_turn.eq(records.valid & (~vectors.valid | vectors.payload.first)),
            records.ready.eq(room & record_turn),
            vectors.ready.eq(room & ~record_turn),
            merger.valid.eq(room & (record_turn | vectors.valid)),
            merger.piece.eq(Mux(record_turn, records.payload, vectors.payload)),
        ]
