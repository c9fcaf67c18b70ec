"""Post-processing: accumulated sums to pooled int8 pixels in memory."""

from amaranth import Cat, Module, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from accel.isa import ACTIVATION_ENTRIES, FIELDS, TABLE_ENTRIES, Op, Pool
from accel.params import Params
from accel.rtl.control.dispatch import post_queue_layout
from accel.rtl.interfaces import (
    SLOT_BITS,
    Done,
    acc_read,
    command_layout,
    near_layout,
    param_write,
    vector_layout,
    waits_met,
    writer,
)
from accel.rtl.memory.store import StoreEngine
from accel.rtl.parts.delay import Delay
from accel.rtl.parts.forward import forward
from accel.rtl.parts.reset import ResetChain
from accel.rtl.parts.rest import add_resting
from accel.rtl.parts.slice import StreamSlice
from accel.rtl.pool.unit import PoolUnit
from accel.rtl.post.block_reader import READ_LATENCY, BlockReader

#: Cycles in which everything behind the reader takes notice of a new command's configuration.
SETTLE = 15
#: Blocks that can be full at once: the accumulator's banks.
BANKS = 2


class HeldCommand(wiring.Component):
    """The command that runs, in a register; a table's entries are shifted to where they are read.

    Members:
        input: a command.  take: it is the next one.
        shift: for TABLE and ACTIVATION, drop the first entry: the next takes its place.
        output: the command.
    """

    input: In(post_queue_layout)
    take: In(1)
    shift: In(data.StructLayout({"table": 1, "activation": 1}))
    output: Out(post_queue_layout)

    def elaborate(self, platform):
        m = Module()
        command = Signal(post_queue_layout, reset_less=True)
        m.d.comb += self.output.eq(command)
        with m.If(self.take):
            m.d.sync += command.eq(self.input)
        for op, name in ((Op.TABLE, "index"), (Op.ACTIVATION, "value")):
            fields = {field.name: field for field in FIELDS[op]}
            entry_bits = fields[f"{name}1"].low - fields[f"{name}0"].low
            entries = command.bits[command_layout(op)[f"{name}0"].offset :]
            with m.If(self.shift[op.name.lower()]):
                m.d.sync += entries.eq(entries >> entry_bits)
        return m


class PostEngine(wiring.Component):
    """Runs POST, TABLE and ACTIVATION commands: read and requantise a block, pool it, store it.

    A command's configuration rests in one register, so the next command starts when the store
    engine has taken the ``end`` token behind the last pixel; its writes may still be under
    way.  The commands that write a table send an ``end`` token too, and so complete in turn.

    Parameters:
        params: the machine.

    Members:
        command: POST, TABLE and ACTIVATION commands (``table`` and ``activation`` tell which).
        done: what other commands may wait for.
        block_done: strobe: a bank is full.  Banks and slots take turns from 0.
        acc: the accumulators' read port.
        param: writes the multipliers and shifts of a slot.
        bank_free: strobe: the oldest full bank may be overwritten.
        slot_free: strobe: the oldest parameter slot may be overwritten.
        completed: strobe: a command's writes have arrived.
        near: vectors of commands with ``near``, on their way to the window unit's buffer.
        reset: what resets the engine.
        idle: no command is held and nothing is under way.
        record, axi, halt, error, outstanding, progress, beats: see accel.rtl.interfaces.writer;
            ``halt`` stops commands, too, and ``progress`` comes a cycle late.
    """

    def __init__(self, params: Params):
        self._params = params
        super().__init__(
            {
                "command": In(stream.Signature(post_queue_layout)),
                "done": In(Done),
                "block_done": In(1),
                "acc": Out(acc_read(params)),
                "param": In(param_write(params)),
                "bank_free": Out(1),
                "slot_free": Out(1),
                "completed": Out(1),
                "near": Out(near_layout(params)),
                "reset": In(1),
                "idle": Out(1),
            }
            | writer(params)
        )

    def elaborate(self, platform):
        # The blocks have resets of their own, which come some cycles later.
        top, m = Module(), Module()
        top.submodules.control = ResetInserter(self.reset)(m)
        reader = BlockReader(self._params)
        pool = PoolUnit(self._params)
        store = StoreEngine(self._params)
        connect(m, reader.output, pool.input)
        pooled = StreamSlice(vector_layout(self._params))
        connect(m, pool.output, pooled.input)
        connect(m, pooled.output, store.input)
        connect(m, reader.acc, flipped(self.acc))
        connect(m, flipped(self.param), reader.param)
        forward(m, self, store, (name for name in writer(self._params) if name != "progress"))
        m.d.comb += self.near.eq(store.near)

        held = HeldCommand()
        m.d.comb += held.input.eq(self.command.payload)
        idle, waits = self._control(m, held, reader, pool, store)
        self._configure(m, held.output, reader, pool, store)
        # While none is held its content does not matter.
        changes = (self.command.valid & idle) | held.shift.as_value().any()
        add_resting(m, platform, changes, 0, held=held)
        self._report(m, reader, pool, store, idle)
        rests = ((idle & ~self.command.valid) | waits) & store.idle & ~self.param.valid
        add_resting(
            top, platform, ~rests | self.reset, SETTLE, ResetChain(top, self.reset),
            reader=reader, pool=pool, pooled=pooled, store=store,
        )  # fmt: skip
        return top

    def _report(self, m, reader, pool, store, idle):
        """Give banks and slots back, and tell what moves."""
        m.submodules.params_read = params_read = Delay(1, READ_LATENCY)
        m.d.comb += [params_read.i.eq(reader.last_read), self.slot_free.eq(params_read.o)]
        # A new block's sums come many cycles after the bank was given to it.
        # The store engine and the others may lie far apart: a register for each.
        stores, others = Signal(), Signal()
        m.d.sync += [
            self.bank_free.eq(reader.last_read),
            stores.eq(store.progress),
            others.eq(reader.active | pool.active),
        ]
        m.d.comb += [
            self.progress.eq(stores | others),
            self.completed.eq(store.completed),
            self.idle.eq(idle & ~self.command.valid & store.idle),
        ]

    def _control(self, m, held, reader, pool, store):
        """One command after another; returns whether none is held, and whether one waits."""
        command = held.output
        post = self._view(command, Op.POST)
        full = Signal(range(BANKS + 1))
        take_bank, met, begin = Signal(), Signal(), Signal()
        bank, slot = Signal(), Signal(SLOT_BITS)
        full_soon, some, may_read = full + self.block_done - take_bank, Signal(), Signal()
        # The first pixel comes many cycles after the reader was started.
        m.d.sync += [
            full.eq(full_soon),
            # A halt comes some cycles late anyhow.
            some.eq((full_soon != 0) & ~self.halt),
            begin.eq(take_bank & post.begin),
        ]
        table = Signal()
        # The state is read all over the engine.  What the reader's start and the many flip-flops of
        # the command wait for are registers of their own: `vacant` is IDLE, `shifts` is TABLE and
        # ACTIVATION, and `may_read` is that a POST is in WAIT and its waits are met.
        vacant, shifts, written = Signal(init=1), Signal.like(held.shift), Signal()
        m.d.comb += [
            held.take.eq(vacant),
            held.shift.eq(shifts),
            take_bank.eq(may_read & some),
            table.eq(command.table | command.activation),
            reader.bank.eq(bank),
            reader.slot.eq(slot),
            reader.empty.eq(table),
            pool.begin.eq(begin),
            store.begin.eq(begin),
        ]
        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.comb += self.command.ready.eq(1)
                m.d.sync += met.eq(0)
                with m.If(self.command.valid):
                    m.d.sync += vacant.eq(0)
                    m.next = "WAIT"
            with m.State("WAIT"):
                # All kinds of command have their waits in the same place.
                m.d.sync += [
                    met.eq(waits_met(post, self.done)),
                    may_read.eq(waits_met(post, self.done) & ~table),
                ]
                with m.If(met & ~self.halt & command.table):
                    m.d.sync += shifts.table.eq(1)
                    m.next = "TABLE"
                with m.Elif(met & ~self.halt & command.activation):
                    m.d.sync += shifts.activation.eq(1)
                    m.next = "ACTIVATION"
                with m.Elif(take_bank):
                    m.d.sync += may_read.eq(0)
                    m.next = "RUN"
            with m.State("TABLE"), m.If(self._write_scales(m, held, pool.table)):
                m.d.sync += shifts.table.eq(0)
                m.d.comb += written.eq(1)
                m.next = "RUN"
            with m.State("ACTIVATION"), m.If(self._write_activations(m, held, reader.table)):
                m.d.sync += shifts.activation.eq(0)
                m.d.comb += written.eq(1)
                m.next = "RUN"
            with m.State("RUN"), m.If(store.ended):
                with m.If(~table):
                    m.d.sync += [bank.eq(~bank), slot.eq(slot + 1)]
                m.d.sync += vacant.eq(1)
                m.next = "IDLE"
        m.d.comb += reader.start.eq(take_bank | written)
        return fsm.ongoing("IDLE"), fsm.ongoing("WAIT") & ~reader.start

    def _write_scales(self, m, held, table):
        """Write a TABLE command's entries; returns whether it is done."""
        view = self._view(held.output, Op.TABLE)
        finished, _ = self._entry_by_entry(m, Op.TABLE, view.entries)
        m.d.comb += [
            table.valid.eq(~finished),
            table.index.eq(view.index0),
            table.multiplier.eq(view.multiplier0),
            table.shift.eq(view.shift0),
        ]
        return finished

    def _write_activations(self, m, held, table):
        """Write an ACTIVATION command's entries; returns whether it is done."""
        view = self._view(held.output, Op.ACTIVATION)
        finished, done = self._entry_by_entry(m, Op.ACTIVATION, ACTIVATION_ENTRIES)
        low_bits = exact_log2(ACTIVATION_ENTRIES)
        m.d.comb += [
            table.valid.eq(~finished),
            table.index.eq(Cat(done[:low_bits], view.first[low_bits:])),
            table.value.eq(view.value0),
        ]
        return finished

    def _entry_by_entry(self, m, op, entries):
        """Shift to the next entry in each cycle; returns whether all are done, and how many."""
        name = op.name.lower()
        done = Signal(range(max(TABLE_ENTRIES, ACTIVATION_ENTRIES) + 1), name=f"{name}_done")
        finished = Signal(name=f"{name}_finished")
        m.d.comb += finished.eq(done == entries)
        m.d.sync += done.eq(done + 1)
        with m.If(finished):
            m.d.sync += done.eq(0)
        return finished, done

    def _view(self, command, op):
        """The command's fields if it is an ``op``."""
        layout = command_layout(op)
        return data.View(layout, command.bits[: layout.size])

    def _configure(self, m, command, reader, pool, store):
        """Hand the command's fields out; those with tables only pass an ``end`` token on."""
        post = self._view(command, Op.POST)
        for config in (reader.config, pool.config, store.config):
            for name, _ in config.shape():
                m.d.comb += config[name].eq(post[name])
        with m.If(command.table | command.activation):
            m.d.comb += [pool.config.pool.eq(Pool.NONE), store.config.mark.eq(0)]
