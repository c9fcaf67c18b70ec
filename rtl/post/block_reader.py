"""Reads a finished block out of the accumulators and requantises it."""

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from accel.params import ACC_READ_LATENCY, PARAM_PLANES, PARAM_SLOTS, REQUANT_LATENCY, Params
from accel.rtl.interfaces import SLOT_BITS, acc_read, param_write, vector_layout
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.parity import watch
from accel.rtl.pool.windows import post_fields
from accel.rtl.post.activation import ACTIVATION_LATENCY, ActivationTable, ActivationWrite
from accel.rtl.post.requantise import Requantiser

#: The fields of a POST command that the block reader looks at.
ReaderConfig = post_fields(("count", "rounding", "out_zero", "lo", "hi", "activate"))
#: First byte planes of the multiplier and of the shift in a parameter record.
MULTIPLIER_PLANE, SHIFT_PLANE = 4, 8
#: Cycles from an accumulator address to the requantisers' inputs, which are registered.
READ_LATENCY = ACC_READ_LATENCY + 1
#: Cycles from an accumulator address to the activations.
LATENCY = READ_LATENCY + REQUANT_LATENCY + ACTIVATION_LATENCY
#: Vectors that may be under way or waiting: a power of two, and enough for one a cycle.  Each takes
#: its place for LATENCY + 2 cycles at least.
VECTORS = 1 << (LATENCY + 2).bit_length()


class BlockReader(wiring.Component):
    """Turns the first ``count`` rows of an accumulator bank into int8 vectors, then ``end``.

    Sums are requantised and, with ``activate``, replaced by their entry in the activation table, of
    which each lane has a copy.

    With fewer requantisers than columns (``params.post_lanes``), a row is done in groups of
    columns.  A row is read only when its vector has a place in the queue behind, so
    nothing is ever held up on the way.

    Parameters:
        params: the machine.

    Members:
        param: writes the multipliers and shifts of a slot (planes 4 to 8; others are ignored).
        table: writes an entry of the activation table; only while nothing is inside.
        config: constant from ``start`` until ``end`` has left.
        start: strobe: read a block; ``empty``: only send ``end``.
        bank, slot: which block; constant like ``config``.
        acc: the accumulators' read port.
        last_read: strobe: the last row's last address is being given.
        active: strobe: an address is being given.
        output: the vectors.

    Latency 1 + LATENCY cycles from an address to its vector (and C / post_lanes - 1 more);
    throughput a vector every C / post_lanes cycles.
    """

    def __init__(self, params: Params):
        self._params = params
        self._groups = params.cols // params.post_lanes
        super().__init__(
            {
                "param": In(param_write(params)),
                "table": In(ActivationWrite),
                "config": In(ReaderConfig),
                "start": In(1),
                "empty": In(1),
                "bank": In(1),
                "slot": In(SLOT_BITS),
                "acc": Out(acc_read(params)),
                "last_read": Out(1),
                "active": Out(1),
                "output": Out(stream.Signature(vector_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        layout = vector_layout(self._params)
        m.submodules.queue = queue = SyncFIFO(width=layout.size, depth=VECTORS)
        m.d.comb += [
            self.output.payload.eq(queue.r_data),
            self.output.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.output.ready),
        ]
        group, issue, issue_end = self._issue(m, self.output.valid & self.output.ready)
        if self._params.parity:
            m.d.comb += self.acc.used.eq(issue)
        results, valid = self._activate(m, *self._requantise(m, group, issue, platform))
        m.submodules.end = end = Delay(1, LATENCY)
        vector = Signal(layout)
        complete = self._gather(m, vector, results, valid)
        m.d.comb += [
            end.i.eq(issue_end),
            vector.end.eq(end.o),
            queue.w_data.eq(vector),
            queue.w_en.eq(complete | end.o),
        ]
        return m

    def _issue(self, m, taken):
        """Give the addresses, row by row and group by group, as places in the queue come free."""
        row = Signal.like(self.acc.row)
        left = Signal.like(self.config.count)
        busy = Signal()
        group, last_group = Signal(range(self._groups)), Signal()
        places = Signal(range(VECTORS + 1), init=VECTORS)
        place = Signal()
        issue, issue_end = Signal(), Signal()
        m.d.comb += [
            place.eq(places != 0),
            last_group.eq(group == self._groups - 1),
            issue.eq(busy & (left != 0) & (place | (group != 0))),
            issue_end.eq(busy & (left == 0) & place),
            self.acc.bank.eq(self.bank),
            self.acc.row.eq(row),
            self.last_read.eq(issue & last_group & (left == 1)),
            self.active.eq(issue),
        ]
        # Taking is far away: a register in between costs a place, not speed.
        freed = Signal()
        m.d.sync += [
            freed.eq(taken),
            places.eq(places + freed - ((issue & (group == 0)) | issue_end)),
        ]
        with m.If(self.start):
            m.d.sync += [busy.eq(1), row.eq(0), left.eq(0)]
            with m.If(~self.empty):
                m.d.sync += left.eq(self.config.count)
        with m.Elif(issue_end):
            m.d.sync += busy.eq(0)
        with m.Elif(issue):
            m.d.sync += group.eq(group + 1)  # a power of two
            with m.If(last_group):
                m.d.sync += [row.eq(row + 1), left.eq(left - 1)]
        return group, issue, issue_end

    def _requantise(self, m, group, issue, platform):
        """Feed the group's sums, multipliers and shifts to the requantisers."""
        lanes = self._params.post_lanes
        m.submodules.issued = issued = Delay(1, ACC_READ_LATENCY)
        fed = Signal()
        # One selection is made beside the accumulators, the other beside the parameters.  One of
        # the two is kept complemented: equal registers would become one, far from either place.
        m.submodules.group = late_group = Delay(len(group), ACC_READ_LATENCY, reset_less=True)
        m.submodules.other = complement = Delay(len(group), ACC_READ_LATENCY, reset_less=True)
        m.d.comb += [issued.i.eq(issue), late_group.i.eq(group), complement.i.eq(~group)]
        m.d.sync += fed.eq(issued.o)
        planes = [
            self._select(self._plane(m, plane, issued.o, platform), late_group.o, 8)
            for plane in range(MULTIPLIER_PLANE, PARAM_PLANES)
        ]
        *multiplier, shift = planes
        operands = data.StructLayout({"x": signed(32), "multiplier": 32, "shift": signed(8)})
        sums = self._select(self.acc.data.as_value(), ~complement.o, 32)
        results = []
        for lane in range(lanes):
            requantiser = Requantiser()
            m.submodules[f"requantiser{lane}"] = requantiser
            operand = Signal(operands, name=f"operand{lane}", reset_less=True)
            with m.If(issued.o):
                m.d.sync += [
                    operand.x.eq(sums.word_select(lane, 32).as_signed()),
                    operand.multiplier.eq(Cat(plane.word_select(lane, 8) for plane in multiplier)),
                    operand.shift.eq(shift.word_select(lane, 8).as_signed()),
                ]
            m.d.comb += [
                requantiser.valid.eq(fed),
                requantiser.x.eq(operand.x),
                requantiser.multiplier.eq(operand.multiplier),
                requantiser.shift.eq(operand.shift),
                requantiser.rounding.eq(self.config.rounding),
                requantiser.zero.eq(self.config.out_zero),
                requantiser.lo.eq(self.config.lo),
                requantiser.hi.eq(self.config.hi),
            ]
            results.append(requantiser.y)
        return results, requantiser.valid_out

    def _activate(self, m, values, valid):
        """Send the group's values through their lanes' tables."""
        m.submodules.activated = activated = Delay(1, ACTIVATION_LATENCY)
        m.d.comb += activated.i.eq(valid)
        results = []
        for lane, value in enumerate(values):
            m.submodules[f"activation{lane}"] = activation = ActivationTable()
            connect(m, flipped(self.table), activation.table)
            m.d.comb += [
                activation.enable.eq(self.config.activate),
                activation.valid.eq(valid),
                activation.x.eq(value),
            ]
            results.append(activation.y)
        return results, activated.o

    def _plane(self, m, plane, used, platform):
        """A byte plane of all slots; returns its bytes in the current slot, ``used`` or not."""
        memory = Memory(shape=8 * self._params.cols, depth=PARAM_SLOTS, init=[])
        m.submodules[f"plane{plane}"] = memory
        read, write = memory.read_port(domain="comb"), memory.write_port()
        m.d.comb += [
            write.addr.eq(self.param.slot),
            write.data.eq(self.param.data),
            write.en.eq(self.param.valid & (self.param.plane == plane)),
            read.addr.eq(self.slot),
        ]
        watch(platform, read, used)
        return read.data

    def _select(self, columns, group, bits):
        """A group's part of a value of ``bits`` per column."""
        return columns.word_select(group, bits * self._params.post_lanes)

    def _gather(self, m, vector, results, valid):
        """Put a vector together from its groups; returns whether it is complete.

        The groups before the last wait in a shift register.
        """
        group_bits = 8 * self._params.post_lanes
        early_bits = group_bits * (self._groups - 1)
        early = Signal(early_bits, reset_less=True)
        count = Signal(range(self._groups))
        whole = Cat(early, results)
        m.d.comb += vector.data.as_value().eq(whole)
        with m.If(valid):
            m.d.sync += [early.eq(whole[group_bits:]), count.eq(count + 1)]
        return valid & (count == self._groups - 1)
