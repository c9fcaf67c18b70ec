"""Whether a FIFO is full or has some, by register: comparing its level takes time."""

from amaranth import Module, Signal, Value
from amaranth.lib.fifo import SyncFIFO


def full_flag(m: Module, fifo: SyncFIFO) -> Signal:
    """``~fifo.w_rdy`` as a register of its own, for whom the FIFO's write waits.

    Nothing may be written while it is full.
    """
    full = Signal(name="full")
    m.d.sync += full.eq(full_soon(fifo, full))
    return full


def full_soon(fifo: SyncFIFO, full: Signal) -> Value:
    """What ``full``, the FIFO's flag, will be in the next cycle."""
    push, pop = fifo.w_en, fifo.r_en & fifo.r_rdy
    return ~pop & (full | (push & (fifo.level == fifo.depth - 1)))


def some_flag(m: Module, fifo: SyncFIFO) -> Signal:
    """``fifo.r_rdy`` as a register of its own, for whom the FIFO's reader has far to go.

    Nothing may be written while it is full.
    """
    some = Signal(name="some")
    pop = fifo.r_en & some
    m.d.sync += some.eq(fifo.w_en | (some & ~(pop & (fifo.level == 1))))
    return some
