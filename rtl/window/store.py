"""The window unit's way out: the vectors of successive commands, one after another."""

from amaranth import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.params import Params
from accel.rtl.interfaces import near_layout, writer
from accel.rtl.memory.store import StoreEngine
from accel.rtl.parts.forward import forward
from accel.rtl.window.walker import window_fields

#: What the store side must know about a command.
TargetConfig = window_fields(
    ("dst", "pitch_x", "pitch_y", "nx", "cols", "mark", "mark_addr", "near")
)
#: Commands that may be under way ahead of the one that is being stored.
COMMANDS = 4


def result_layout(params: Params) -> data.StructLayout:
    """An output's bytes; ``last``: it is its command's last."""
    return data.StructLayout({"data": data.ArrayLayout(signed(8), params.cols), "last": 1})


class WindowStore(wiring.Component):
    """Stores results, each command's with its own configuration.

    Parameters:
        params: the machine.

    Members:
        config: one for each command, in their order.
        input: results.
        completed, idle, near: see StoreEngine.
        record, axi, halt, error, outstanding, progress, beats: see accel.rtl.interfaces.writer.

    Throughput: see StoreEngine; 4 cycles more for each command.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "config": In(stream.Signature(TargetConfig)),
                "input": In(stream.Signature(result_layout(params))),
                "completed": Out(1),
                "idle": Out(1),
                "near": Out(near_layout(params)),
            }
            | writer(params)
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.store = store = StoreEngine(self._params)
        m.submodules.configs = configs = SyncFIFO(width=TargetConfig.size, depth=COMMANDS)
        connect(m, flipped(self.config), configs.w_stream)
        config = Signal(TargetConfig, reset_less=True)
        # A signal of its own: the payload's bit, set by the FSM alone, was a latch in Verilog.
        end = Signal()
        self._connect(m, store, config, end)
        self._sequence(m, store, configs, config, end)
        return m

    def _sequence(self, m, store, configs, config, end):
        """A configuration, its vectors, and the ``end`` behind the last one."""
        # A configuration must rest for a cycle before `begin`, and until the end has been taken.
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += configs.r_en.eq(1)
                m.d.sync += config.eq(configs.r_data)
                with m.If(configs.r_rdy):
                    m.next = "REST"
            with m.State("REST"):
                m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.comb += store.begin.eq(1)
                m.next = "VECTORS"
            with m.State("VECTORS"):
                m.d.comb += [
                    store.input.valid.eq(self.input.valid),
                    self.input.ready.eq(store.input.ready),
                ]
                with m.If(self.input.valid & self.input.ready & self.input.payload.last):
                    m.next = "END"
            with m.State("END"):
                m.d.comb += [store.input.valid.eq(1), end.eq(1)]
                with m.If(store.input.ready):
                    m.next = "IDLE"

    def _connect(self, m, store, config, end):
        """Connect the store engine, but for what depends on the state."""
        forward(m, self, store, ("completed", "idle", "near", *writer(self._params)))
        m.d.comb += [
            *(store.config[name].eq(config[name]) for name, _ in TargetConfig if name != "nx"),
            store.config.out_w.eq(config.nx),
            store.input.payload.data.eq(self.input.payload.data),
            store.input.payload.end.eq(end),
        ]
