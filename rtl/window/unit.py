"""The window unit: depthwise convolution, pooling and addition, beside the array."""

from amaranth import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.isa import Op, WindowMode
from accel.params import Params
from accel.rtl.im2col.banks import window_banks
from accel.rtl.im2col.buffer import BankedBuffer
from accel.rtl.im2col.load import LoadEngine
from accel.rtl.interfaces import Done, command_layout, near_layout, read_client, writer
from accel.rtl.memory.records import checksum_member
from accel.rtl.parts.forward import forward
from accel.rtl.parts.reset import ResetChain
from accel.rtl.parts.rest import add_resting
from accel.rtl.window.compute import WindowCompute, compute_latency
from accel.rtl.window.entrance import BufferEntrance
from accel.rtl.window.lanes import WindowLanes, lanes_latency
from accel.rtl.window.params import WindowParamEngine
from accel.rtl.window.scale import SCALE_LATENCY
from accel.rtl.window.slots import WindowParamMemory
from accel.rtl.window.store import WindowStore, result_layout
from accel.rtl.window.walker import WindowWalker

#: One bit for each of the unit's engines.
Engines = data.StructLayout({"wload": 1, "wparam": 1, "window": 1})
#: Commands that may be under way: fewer than the places of everything they pass through.
UNDER_WAY = 256
#: Cycles in which what depends on a command that is over settles.
SETTLE = 15


def vectors(params: Params) -> int:
    """Outputs that may be under way or wait for the store: enough to hide the way there."""
    way = compute_latency(params) + SCALE_LATENCY + lanes_latency(params) + 4
    outputs = way * params.window_lanes // params.cols + 4
    return 1 << outputs.bit_length()


class WindowUnit(wiring.Component):
    """Executes WLOAD, WPARAM and WINDOW commands.

                      near
                       v
        wload --> LoadEngine --> BankedBuffer --T words--> WindowCompute --C sums--> WindowLanes
                                     ^                         ^ weights, biases         ^ |
        window -> WindowWalker ------+--- groups --------------+                         | v
        wparam -> WindowParamEngine -----------> WindowParamMemory ------ scales --------+ queue
                                                       memory, im2col buffer <--- WindowStore

    Nothing between the walker and the queue ever stalls: an output begins only when there is a
    place for its vector.

    A WINDOW command of n = nx * ny outputs with g = ceil(k / T) groups takes n * max(g, L) cycles
    of issue, L = C / window_lanes.  One that was in the queue T + 2 cycles before the end of its
    predecessor, and is like it in ``CONFIG_FIELDS``, begins one cycle after it, so long as the
    store keeps up (it takes n cycles, or the beats that n vectors touch, and 4 for each command).
    Else it begins when the predecessor's last vector is in the queue; the cycles lost are then

        compute_latency + lanes_latency + 4, and for additions SCALE_LATENCY = 6 more,

    with compute_latency = 9 + log2(T) and lanes_latency = 1 + L + REQUANT_LATENCY.

    Parameters:
        params: the machine; ``window_taps`` is not 0.

    Members:
        wload, wparam, window: commands, from the queues.
        done: what commands may wait for.
        near: words of the array's post-processing for the buffer.
        back: results for the array's im2col buffer.
        load_client, param_client: towards the read master.
        completed, idle: of each engine; a WINDOW is complete when its writes have arrived.
        load_activity: the buffer is being written.  param_activity: so is a parameter slot.
        busy: a group of elements is issued.
        macs: multiplications of the MAC group issued MACS_LATENCY ago, in the window and the
            command's columns; 0 if there was none.
        reset: what resets the unit.
        record, axi, halt, error, outstanding, progress, beats: see accel.rtl.interfaces.writer;
            ``halt`` lets nothing more start.
        checksum: of all parameters (accel.rtl.parts.checksum); only with checksums.
    """

    #: Cycles from a group's issue to its share of ``macs``.
    MACS_LATENCY = 2

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "wload": In(stream.Signature(command_layout(Op.WLOAD))),
                "wparam": In(stream.Signature(command_layout(Op.WPARAM))),
                "window": In(stream.Signature(command_layout(Op.WINDOW))),
                "done": In(Done),
                "near": In(near_layout(params)),
                "back": Out(near_layout(params)),
                "load_client": Out(read_client(params)),
                "param_client": Out(read_client(params)),
                "completed": Out(Engines),
                "idle": Out(Engines),
                "load_activity": Out(1),
                "param_activity": Out(1),
                "busy": Out(1),
                "macs": Out(16),
                "reset": In(1),
            }
            | writer(params)
            | checksum_member(params)
        )

    def elaborate(self, platform):
        # The blocks have resets of their own, which come some cycles later.
        top, m = Module(), Module()
        top.submodules.control = ResetInserter(self.reset)(m)
        params, banks = self._params, window_banks(self._params)
        load = LoadEngine(params, Op.WLOAD, banks)
        buffer, entrance = BankedBuffer(banks, params.parity), BufferEntrance(params)
        param = WindowParamEngine(params)
        memory = WindowParamMemory(params)
        walker = WindowWalker(params)
        compute = WindowCompute(params)
        lanes = WindowLanes(params)
        store = WindowStore(params)

        self._connect(m, load, entrance, param, memory, walker, compute)
        connect(m, entrance.write, buffer.write)
        connect(m, walker.read, buffer.read)
        forward(m, self, store, (name for name in writer(params) if name != "progress"))
        m.d.comb += self.back.eq(store.near)
        self._pass_on(m, walker, compute, lanes, memory, buffer)
        self._guard(m, param, walker, compute, lanes, memory, buffer)
        self._queue(m, walker, lanes, store)
        computes = self._supervise(m, load, param, walker, lanes, store)
        self._count_macs(m, walker)
        moves = load.active | param.active | walker.prepares | computes | ~store.idle
        add_resting(
            top, platform, moves | self.near.valid | self.reset, SETTLE,
            ResetChain(top, self.reset), watched=self._waited_for(), load=load, entrance=entrance,
            buffer=buffer, param=param, memory=memory, walker=walker, compute=compute, lanes=lanes,
            store=store,
        )  # fmt: skip
        return top

    def _waited_for(self):
        """What changes before a command that is offered, perhaps for long, may start."""
        return Cat(self.wload.valid, self.wparam.valid, self.window.valid, self.done, self.halt)

    def _connect(self, m, load, entrance, param, memory, walker, compute):
        """Commands to the engines; their ways to memory, to the buffer and to the slots."""
        connect(m, flipped(self.wload), load.command)
        connect(m, flipped(self.wparam), param.command)
        connect(m, flipped(self.window), walker.command)
        connect(m, load.client, flipped(self.load_client))
        connect(m, param.client, flipped(self.param_client))
        connect(m, load.write, entrance.copies)
        connect(m, param.write, memory.write)
        m.d.comb += [entrance.near.eq(self.near), load.stall.eq(entrance.stall)]
        connect(m, compute.weights, memory.weights)
        for engine in (load, param, walker):
            m.d.comb += [engine.done.eq(self.done), engine.halt.eq(self.halt)]

    def _pass_on(self, m, walker, compute, lanes, memory, buffer):
        """The way of an output from its issue to its bytes."""
        m.d.comb += [
            compute.config.eq(walker.config),
            compute.group.eq(walker.group),
            compute.words.eq(buffer.lanes),
            compute.biases.eq(memory.biases),
            memory.bias_slot.eq(compute.bias_slot),
            lanes.config.eq(walker.config),
            lanes.load.eq(compute.complete),
            lanes.sums.eq(compute.sums),
            lanes.slot.eq(compute.slot),
            lanes.final.eq(compute.final),
            lanes.scales.eq(memory.scales),
            memory.scale_slot.eq(lanes.scale_slot),
        ]

    def _guard(self, m, param, walker, compute, lanes, memory, buffer):
        """The parameters' sum, and which of the words that are read matter, for parity."""
        if self._params.checksum:
            m.d.comb += self.checksum.eq(param.checksum)
        if not self._params.parity:
            return
        m.d.comb += [
            buffer.used.eq(walker.group.taps),
            buffer.used_bytes.eq(Cat(walker.cols > c for c in range(self._params.cols))),
            memory.biases_used.eq(compute.biases_used),
            memory.scales_used.eq(lanes.scales_used),
        ]

    def _queue(self, m, walker, lanes, store):
        """Queue vectors for the store; count those under way, and the places that are left."""
        depth = vectors(self._params)
        layout = result_layout(self._params)
        m.submodules.queue = queue = SyncFIFO(width=layout.size, depth=depth)
        result = data.View(layout, queue.w_data)
        connect(m, queue.r_stream, store.input)
        places, freed = Signal(range(depth + 1), init=depth), Signal()
        inside = Signal(range(depth + 1))
        # A vector's place is free a cycle late, which costs a place, not speed.
        m.d.sync += [
            freed.eq(queue.r_rdy & queue.r_en),
            places.eq((places + freed - walker.opens)[: len(places)]),
            inside.eq((inside + walker.opens - lanes.valid)[: len(inside)]),
        ]
        m.d.comb += [
            result.data.eq(lanes.vector),
            result.last.eq(lanes.last),
            queue.w_en.eq(lanes.valid),
            walker.place.eq(places[1:] != 0),
            walker.inside.eq(inside != 0),
            walker.room.eq(store.config.ready),
            store.config.valid.eq(walker.take),
            *(
                store.config.payload[name].eq(self.window.payload[name])
                for name, _ in store.config.payload.shape()
            ),
        ]

    def _supervise(self, m, load, param, walker, lanes, store):
        """What the engines, the scoreboard and the counters are told; returns whether a WINDOW
        command is under way."""
        under_way = Signal(range(UNDER_WAY))
        m.d.sync += under_way.eq((under_way + walker.take - store.completed)[: len(under_way)])
        m.d.comb += [
            walker.recorded.eq(param.completed),
            param.slot_free.eq(lanes.slot_free),
            self.completed.wload.eq(load.completed),
            self.completed.wparam.eq(param.completed),
            self.completed.window.eq(store.completed),
            self.idle.wload.eq(load.idle),
            self.idle.wparam.eq(param.idle),
            self.idle.window.eq(~self.window.valid & (under_way == 0) & store.idle),
            self.progress.eq(store.progress | walker.inside),
            self.load_activity.eq(load.write.enable.any() | self.near.valid),
            self.param_activity.eq(param.write.valid),
            self.busy.eq(walker.group.valid),
        ]
        return under_way != 0

    def _count_macs(self, m, walker):
        """Multiply useful taps by useful columns, with registers on both sides."""
        mac = walker.config.mode == WindowMode.MAC
        lanes = Signal.like(walker.lanes, reset_less=True)
        cols = Signal.like(walker.cols, reset_less=True)
        m.d.sync += [
            lanes.eq(Mux(walker.group.valid & mac, walker.lanes, 0)),
            cols.eq(walker.cols),
            self.macs.eq(lanes * cols),
        ]
