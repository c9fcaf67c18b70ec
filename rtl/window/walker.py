"""The window walker: which group of window elements comes next."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from accel.isa import Op, WindowMode
from accel.params import WINDOW_TILES, Params
from accel.rtl.im2col.banks import window_banks
from accel.rtl.interfaces import Done, banks_read, command_layout, waits_met
from accel.rtl.window.offsets import TapOffsets

#: What the blocks behind the walker must know about a command.  They have one register for it, so
#: a command in which something of it differs waits until its predecessor has left them.
CONFIG_FIELDS = (
    "mode", "k", "rounding", "out_zero", "lo", "hi", "multiplier", "shift",
    "a_zero", "a_multiplier", "a_shift", "b_zero", "b_multiplier", "b_shift", "offset",
)  # fmt: skip


def window_fields(names) -> data.StructLayout:
    """A structure of some fields of a WINDOW command, as wide as they are there."""
    fields = command_layout(Op.WINDOW).members
    return data.StructLayout({name: fields[name] for name in names})


#: The fields of CONFIG_FIELDS.
WindowConfig = window_fields(CONFIG_FIELDS)


def group_layout(params: Params) -> data.StructLayout:
    """What travels with a group of T elements.

    ``first`` and ``last`` group of an output; ``final``: of the command's last output; ``slot``
    and ``tile``: where a MAC's weights are; ``taps``: elements that belong to the window.
    """
    return data.StructLayout(
        {
            "valid": 1,
            "first": 1,
            "last": 1,
            "final": 1,
            "slot": 1,
            "tile": range(WINDOW_TILES),
            "taps": params.window_taps,
        }
    )


class WindowWalker(wiring.Component):
    """Issues the groups of the outputs of WINDOW commands, in raster order.

    The command under way is taken apart into counters.  The next one stays in its queue until it
    may start: its waits are met, its tap offsets are prepared, a MAC has its parameter record,
    the store side has room for its configuration, and ``config`` is the same or nothing of the
    previous command is ``inside``.

    Parameters:
        params: the machine.

    Members:
        command, done: WINDOW commands in their order, and what has been completed so far.  A
            command is offered until it starts, which is when it is taken.
        recorded: strobe: a parameter record is complete.
        room: the store side takes a configuration.
        place: there are places for the vectors of two more outputs.
        inside: vectors of earlier outputs are on their way to the queue behind.
        halt: start nothing more.
        take: strobe: the command that is offered starts.
        config: of the command under way, from the cycle after ``take`` on.
        read: a group's address in the window buffer, and its taps' offsets a cycle later.
        group: the same group.
        opens: strobe: an output's first group is issued.
        prepares: the offsets of the command that is offered are not ready yet.
        active: a command's groups are not all issued.
        lanes, cols: elements of the group in the window; columns of the command.

    Throughput: a group each cycle, an output each C / window_lanes cycles at most; one idle cycle
    between commands if the next one came T + 2 cycles before the last group was issued and need
    not wait.  Latency: T + 4 cycles from a command to its first group, and 3 or 4 from the
    last of what it waits for.
    """

    def __init__(self, params: Params):
        self._params, self._banks = params, window_banks(params)
        command = command_layout(Op.WINDOW)
        super().__init__(
            {
                "command": In(stream.Signature(command)),
                "done": In(Done),
                "recorded": In(1),
                "room": In(1),
                "place": In(1),
                "inside": In(1),
                "halt": In(1),
                "take": Out(1),
                "config": Out(WindowConfig),
                "read": Out(banks_read(self._banks)),
                "group": Out(group_layout(params)),
                "opens": Out(1),
                "prepares": Out(1),
                "active": Out(1),
                "lanes": Out(range(params.window_taps + 1)),
                "cols": Out(range(params.cols + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.offsets = offsets = TapOffsets(self._banks)
        issue, first, last = Signal(), Signal(init=1), Signal()
        ends, start, halted = Signal(), Signal(), Signal()
        self._follow(m, offsets, start)
        ends_x = self._count(m, issue & last, "x", self.command.payload.nx)
        ends_y = self._count(m, issue & last & ends_x, "y", self.command.payload.ny)
        self._groups(m, issue, last)
        self._addresses(m, issue, last, ends_x, ends_y)
        m.d.comb += [
            issue.eq(self.active & ~halted & (~first | self._may_open(m))),
            ends.eq(issue & self.group.final),
            start.eq(self._go & (~self.active | ends)),
            self.opens.eq(issue & first),
            offsets.step.eq(issue),
            offsets.restart.eq(last),
            self.read.valid.eq(issue),
            self.read.offsets.eq(offsets.offsets),
        ]
        self._tell(m, issue, first, last, last & ends_x & ends_y)
        # A register drives what a command is loaded into: a hundred places, all over the unit.
        m.d.sync += [self.take.eq(start), halted.eq(self.halt)]
        with m.If(issue):
            m.d.sync += first.eq(last)
        self._stay_active(m, ends)
        return m

    def _tell(self, m, issue, first, last, final):
        """What kind of group is issued."""
        group = self.group
        m.d.comb += [
            group.valid.eq(issue),
            group.first.eq(first),
            group.last.eq(last),
            group.final.eq(final),
            group.slot.eq(self._slot(m)),
        ]

    def _follow(self, m, offsets, start):
        """Find out, a cycle before it matters, whether the next command may ``start``."""
        following, held, config = self.command.payload, self.command.valid, self.config
        self._go = go = Signal()
        met, alike, same, empty = Signal(), Signal(len(CONFIG_FIELDS)), Signal(), Signal()
        records = Signal(range(4))
        mac = following.mode == WindowMode.MAC
        m.d.comb += [
            self.command.ready.eq(self.take),
            offsets.seg.eq(following.seg),
            offsets.seg_skip.eq(following.seg_skip),
            offsets.prepare.eq(held),
            self.prepares.eq(held & ~offsets.prepared),
            offsets.take.eq(self.take),
        ]
        m.d.sync += [
            # All three are about this command by the time its offsets are prepared.
            met.eq(waits_met(following, self.done)),
            alike.eq(Cat(following[name] == config[name] for name in CONFIG_FIELDS)),
            same.eq(alike.all()),
            empty.eq(~self.active & ~self.inside),
            records.eq((records + self.recorded - (self.take & mac))[: len(records)]),
            go.eq(
                held & met & offsets.prepared & self.room & ~self.halt & ~start & ~self.take
                & (same | empty) & (~mac | (records != 0))
            ),
        ]  # fmt: skip
        with m.If(self.take):
            m.d.sync += [config[name].eq(following[name]) for name in CONFIG_FIELDS]

    def _stay_active(self, m, ends):
        """A command is under way from when it is taken until its last group ``ends`` it."""
        with m.If(self.take):
            m.d.sync += [self.active.eq(1), self.cols.eq(self.command.payload.cols)]
        with m.Elif(ends):
            m.d.sync += self.active.eq(0)

    def _count(self, m, step, name, total):
        """Count ``total`` steps over and over; return whether the next is the last.

        The count runs down to -1, so that "last" is a sign bit and costs no comparison.
        """
        left = Signal(signed(len(total) + 1), name=f"{name}_left", reset_less=True)
        again = Signal.like(left, name=f"{name}_again")
        with m.If(step):
            m.d.sync += left.eq(Mux(left[-1], again, left - 1)[: len(left)].as_signed())
        with m.If(self.take):
            m.d.sync += [
                left.eq((total - 2)[: len(left)].as_signed()),
                again.eq((total - 2)[: len(left)].as_signed()),
            ]
        return left[-1]

    def _groups(self, m, issue, last):
        """Count an output's groups: the tile, which is its last, and that one's elements."""
        taps, k = self._params.window_taps, self.command.payload.k
        left = Signal(signed(len(k) + 1), reset_less=True)
        again = Signal.like(left)
        last_taps = Signal(taps, reset_less=True)
        last_lanes = Signal.like(self.lanes, reset_less=True)
        tile = self.group.tile
        m.d.comb += [
            last.eq(left[-1]),
            self.group.taps.eq(last_taps | ~last.replicate(taps)),
            self.lanes.eq(Mux(last, last_lanes, taps)),
        ]
        with m.If(issue):
            m.d.sync += [
                left.eq(Mux(last, again, left - 1)[: len(left)].as_signed()),
                tile.eq(Mux(last, 0, tile + 1)[: len(tile)]),
            ]
        with m.If(self.take):
            groups = ((k - (taps + 1)) >> exact_log2(taps))[: len(left)].as_signed()
            highest = (k - 1)[: exact_log2(taps)]  # tap of the last group
            m.d.sync += [
                left.eq(groups),
                again.eq(groups),
                tile.eq(0),
                last_taps.eq(Cat(highest >= tap for tap in range(taps))),
                last_lanes.eq(highest + 1),
            ]

    def _addresses(self, m, issue, last, ends_x, ends_y):
        """Step the word address through groups and outputs; it wraps at the buffer's size."""
        taps, following = self._params.window_taps, self.command.payload
        base = self.read.base
        word = slice(exact_log2(self._params.cols), None)

        def words(address):
            return address[word][: len(base)]

        output = Signal.like(base, reset_less=True)  # the output's first group
        line = Signal.like(base, reset_less=True)  # the row's first output
        step_x, step_y = Signal.like(base), Signal.like(base)
        next_output, next_line = Signal.like(base), Signal.like(base)
        m.d.comb += [
            next_line.eq((line + step_y)[: len(base)]),
            next_output.eq(Mux(ends_x, next_line, (output + step_x)[: len(base)])),
        ]
        with m.If(issue & last):
            m.d.sync += [base.eq(next_output), output.eq(next_output)]
            with m.If(ends_x):
                m.d.sync += line.eq(next_line)
        with m.Elif(issue):
            m.d.sync += base.eq((base + taps)[: len(base)])
        with m.If(self.take):
            m.d.sync += [
                *(address.eq(words(following.base)) for address in (base, output, line)),
                step_x.eq(words(following.step_x)),
                step_y.eq(words(following.step_y)),
            ]

    def _slot(self, m):
        """The parameter slot of the command under way: MAC commands take turns from 0."""
        slot, upcoming = Signal(reset_less=True), Signal()
        with m.If(self.take & (self.command.payload.mode == WindowMode.MAC)):
            m.d.sync += [slot.eq(upcoming), upcoming.eq(~upcoming)]
        return slot

    def _may_open(self, m):
        """Whether an output may begin: found a cycle ahead, no faster than the lanes take them."""
        cycles = self._params.cols // self._params.window_lanes
        may, pace = Signal(), Signal()
        m.d.sync += may.eq(self.place & pace)
        if cycles == 1:
            m.d.comb += pace.eq(1)
            return may
        wait = Signal(range(cycles))
        with m.If(self.opens):
            m.d.sync += wait.eq(cycles - 1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        m.d.comb += pace.eq(~self.opens & (wait[1:] == 0))
        return may
