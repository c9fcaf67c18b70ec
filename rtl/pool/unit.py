"""Max and average pooling of a stream of pixels, with any window and stride."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from accel.isa import Pool
from accel.params import Params
from accel.rtl.interfaces import vector_layout
from accel.rtl.pool.average import Average, TableWrite
from accel.rtl.pool.columns import PoolColumns
from accel.rtl.pool.rows import PoolRows
from accel.rtl.pool.windows import PoolConfig


class PoolUnit(wiring.Component):
    """Pools an in_h x in_w image that comes in raster order into one of out_h x out_w.

    Rows first, then columns, then, for averages only, the scaling.  Padding holds no elements:
    windows end at the image's edges.  Pixels in no window are dropped.  Without pooling
    the input is the output.

    Parameters:
        params: the machine.

    Members:
        config: constant from one cycle before ``begin`` until the image's last ``end`` has left,
            but for commands without pooling in between.
        begin: a new image starts; only while nothing is inside.
        table: scales of averages by their element count modulo POOL_TABLE; only while nothing is
            inside.
        input, output: pixels, and ``end`` tokens behind everything before them.
        active: strobe: something happens inside (a stalled unit is not active).

    Throughput: a pixel a cycle where windows do not overlap; else a cycle for each window
    (in its row, and once per pooled column, in its column) that a pixel lies in; an
    average takes C cycles.  Back-pressure by ready.
    """

    def __init__(self, params: Params):
        self._params = params
        vectors = stream.Signature(vector_layout(params))
        super().__init__(
            {
                "config": In(PoolConfig),
                "begin": In(1),
                "table": In(TableWrite),
                "input": In(vectors),
                "output": Out(vectors),
                "active": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rows, columns, average = self._stages(m)
        # The command's mode, decoded, long before its first pixel comes.
        mode = Signal.like(self.config.pool)
        m.d.sync += mode.eq(self.config.pool)
        with m.Switch(mode):
            with m.Case(Pool.MAX):
                m.d.comb += [
                    *_maxima(columns.output.payload, self.output.payload),
                    *_handshake(columns.output, self.output),
                    *_handshake(self.input, rows.input),
                ]
            with m.Case(Pool.AVERAGE):
                m.d.comb += [
                    self.output.payload.eq(average.output.payload),
                    *_handshake(columns.output, average.input),
                    *_handshake(average.output, self.output),
                    *_handshake(self.input, rows.input),
                ]
            with m.Default():
                m.d.comb += [
                    self.output.payload.eq(self.input.payload),
                    *_handshake(self.input, self.output),
                ]
        return m

    def _stages(self, m):
        """The stages, with everything but the handshakes that depend on the mode; returns them."""
        m.submodules.rows = rows = PoolRows(self._params)
        m.submodules.columns = columns = PoolColumns(self._params)
        m.submodules.average = average = Average(self._params)
        connect(m, rows.output, columns.input)
        connect(m, wiring.flipped(self.table), average.table)
        m.d.comb += [
            *(stage.config.eq(self.config) for stage in (rows, columns, average)),
            *(stage.begin.eq(self.begin) for stage in (rows, columns)),
            rows.input.payload.eq(self.input.payload),
            average.input.payload.eq(columns.output.payload),
            self.active.eq(rows.active | columns.active | average.active),
        ]
        return rows, columns, average


def _maxima(partial, vector):
    """Make a ``vector`` of maxima: a maximum of bytes is a byte."""
    return [
        *(
            byte.eq(largest[:8].as_signed())
            for byte, largest in zip(vector.data, partial.sums, strict=True)
        ),
        vector.end.eq(partial.end),
    ]


def _handshake(source, sink):
    """Let ``sink`` take what ``source`` offers."""
    return [sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
