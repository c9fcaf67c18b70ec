"""What the blocks tell each other in a cycle, from their registers before its edge."""

import typing

from accel.cyclemodel import execute, fetch, load, post, reads, records, store, weights
from accel.cyclemodel import window as walker
from accel.cyclemodel.commands import EXEC, LOAD, POST, WEIGHTS, WINDOW, WLOAD, WPARAM
from accel.cyclemodel.edge import edge
from accel.cyclemodel.shape import TAPS


class Signals(typing.NamedTuple):
    """Signals between blocks, named as in rtl.

    ``back``: the window unit writes into the im2col buffer.

    ``starved``: the exec engine waits for memory; ``all_sent``: everything is dispatched;
    ``pending``: the exec queue holds a command; ``open_bus``: a bus transaction is open.
    """

    swap: bool
    filled: bool
    bank_free: bool
    slot_free: bool
    busy: bool
    macs: int
    wait_bank: bool
    wait_weights: bool
    starved: bool
    exec_idle: bool
    engines_idle: bool
    open_bus: bool
    pending: bool
    all_sent: bool
    back: bool


@edge
def read(c, states):
    """The signals of a cycle."""
    (_, master, fetcher, q, loader, weigher, exe, poster, _, storer, _, _, wloader, wparamer, unit,
     wstorer, _, _) = states  # fmt: skip
    wait_weights = exe[execute.WAIT_WEIGHTS] != 0
    starved = (exe[execute.WAIT_LOAD] != 0 and load.active(loader)) or (
        wait_weights and weights.fifo_empty(weigher, c)
    )
    exec_idle = exe[execute.IDLE] != 0
    engines_idle = exec_idle and _array_idle(q, loader, weigher, poster, storer)
    open_bus = reads.outstanding(master) or store.outstanding(storer)
    if c[TAPS]:
        engines_idle = engines_idle and _window_idle(q, wloader, wparamer, unit, wstorer)
        open_bus = open_bus or store.outstanding(wstorer)
    return Signals(
        exe[execute.SWAP] != 0, weigher[weights.FILLED] != 0, poster[post.BANK_FREE] != 0,
        post.slot_free(poster) != 0, exe[execute.BUSY] != 0, exe[execute.MACS_3],
        exe[execute.WAIT_BANK] != 0, wait_weights, starved, exec_idle, engines_idle, open_bus,
        fetch.pending(q, EXEC), fetch.finished(fetcher), wstorer[store.NEAR] != 0,
    )  # fmt: skip


@edge
def _array_idle(q, loader, weigher, poster, storer):
    """Whether all engines but exec and the window unit's are idle."""
    return (
        loader[load.UNDER_WAY] == 0 and weigher[records.UNDER_WAY] == 0 and post.idle(poster)
        and poster[post.POOLED] == 0 and store.idle(storer)
        and not fetch.offers(q, LOAD) and not fetch.offers(q, WEIGHTS)
        and not fetch.offers(q, POST)
    )  # fmt: skip


@edge
def _window_idle(q, wloader, wparamer, unit, wstorer):
    """Whether all engines of the window unit are idle."""
    return (
        wloader[load.UNDER_WAY] == 0 and wparamer[records.UNDER_WAY] == 0
        and unit[walker.UNDER_WAY] == 0 and not walker.offers(unit) and store.idle(wstorer)
        and not fetch.offers(q, WLOAD) and not fetch.offers(q, WPARAM)
        and not fetch.offers(q, WINDOW)
    )  # fmt: skip
