"""Keeps track of what the engines have been given, have completed, and are doing."""

from amaranth import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accel.params import DONE_BITS, Params
from accel.rtl.control.dispatch import Engines, command_queues
from accel.rtl.interfaces import Done

#: Everything that shows that the machine moves.
Activity = data.StructLayout(
    {"axi_read": 1, "axi_write": 1, "place": 1, "row": 1, "param": 1, "exec": 1, "window": 1}
)


class Scoreboard(wiring.Component):
    """The done counters, and one-bit summaries of all engines for the control.

    A program is over when nothing dispatched is incomplete, every engine is idle and no bus
    transaction is open.  The first alone is not enough (a completion record is written after its
    command completed), nor is the second (a command may be between a queue and its engine).

    Parameters:
        params: the machine; what concerns engines that it does not have is not looked at.

    Members:
        dispatched: strobe per engine: a command entered its queue.
        completed: strobe per engine: its oldest command is complete.
        idle: level per engine.
        dispatch_finished: the fetcher has dispatched the whole program.
        exec_pending: the exec queue holds a command.
        outstanding_read, outstanding_write: open bus transactions.
        activity: see Activity.
        done: commands completed, as ``wait_*`` fields compare them.
        drained: all EXEC commands have been issued.
        outstanding: a bus transaction is open.
        finished: the program is over; then stays.
        progress: something moved.

    All inputs are registered first: they come from all over the chip.
    """

    def __init__(self, params: Params):
        self._engines = tuple(command_queues(params))
        super().__init__(
            {
                "dispatched": In(Engines),
                "completed": In(Engines),
                "idle": In(Engines),
                "dispatch_finished": In(1),
                "exec_pending": In(1),
                "outstanding_read": In(1),
                "outstanding_write": In(1),
                "activity": In(Activity),
                "done": Out(Done),
                "drained": Out(1),
                "outstanding": Out(1),
                "finished": Out(1),
                "progress": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        seen = self._register_inputs(m)
        self._count_done(m, seen["completed"])
        none_open = self._none_open(m, seen["dispatched"], seen["completed"])
        moving = Cat(seen["activity"], seen["dispatched"], seen["completed"]).any()
        m.d.sync += [
            self.drained.eq(seen["dispatch_finished"] & ~seen["exec_pending"] & seen["idle"].exec),
            self.outstanding.eq(seen["outstanding_read"] | seen["outstanding_write"]),
            self.finished.eq(
                seen["dispatch_finished"]
                & none_open
                & Cat(seen["idle"][name] for name in self._engines).all()
                & ~(seen["outstanding_read"] | seen["outstanding_write"])
            ),
            self.progress.eq(moving),
        ]
        return m

    def _register_inputs(self, m):
        """The inputs, a cycle later, by their names."""
        names = ("dispatched", "completed", "idle", "dispatch_finished", "exec_pending",
                 "outstanding_read", "outstanding_write", "activity")  # fmt: skip
        seen = {}
        for name in names:
            port = getattr(self, name)
            seen[name] = Signal.like(port, name=f"seen_{name}")
            m.d.sync += seen[name].eq(port)
        return seen

    def _count_done(self, m, completed):
        """Count the completed commands of the engines that others wait for."""
        for name in self._engines:
            if name in Done.members:
                with m.If(completed[name]):
                    m.d.sync += self.done[name].eq(self.done[name] + 1)

    def _none_open(self, m, dispatched, completed):
        """Whether no command is in a queue or an engine."""
        open_ = {name: Signal(DONE_BITS, name=f"open_{name}") for name in self._engines}
        for name, count in open_.items():
            m.d.sync += count.eq(count + dispatched[name] - completed[name])
        return ~Cat(count.any() for count in open_.values()).any()
