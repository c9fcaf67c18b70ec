"""Cycles of a kind: the exec engine is steady, and weights come in, go to the array, or neither.

Of all registers only the weight engine's counts differ from cycle to cycle then.
"""

from accel.cyclemodel import array_side, execute, memory, reads, records, supervise, turns, weights
from accel.cyclemodel.edge import edge


@edge
def begins(w, exe, master, weigher):
    """Whether the next cycle may be of the kind, if the weight engine's gate has settled."""
    return (
        w[turns.NEXT] & turns.B_EXEC == 0 and w[turns.PIXELS] != 0 and exe[execute.BUSY] != 0
        and master[reads.ARVALID] == 0 and weights.steady(weigher)
    )  # fmt: skip


@edge
def pass_by(w, c, cycle, end, drained, mem, master, weigher, b_weigher, exe, counts, done):
    """Let such cycles pass.

    Args:
        w, c, mem, master, weigher, b_weigher, exe, counts, done: as in accel.cyclemodel.simulate.
        cycle, end: the cycle that has ended; the last one that may.
        drained: whether all EXEC commands are behind us.

    Returns:
        How many, 0 if the next cycle is another one after all.
    """
    comes = master[reads.BEAT_OWNER] == reads.WEIGHTS and reads.next_owner(master) == reads.WEIGHTS
    if comes:
        most = memory.beats_ahead(mem, c)
    elif master[reads.MOVED] == 0:
        most = memory.rest(mem)
    else:
        return 0
    most = min(most, end - cycle, execute.event(exe) - cycle - 1)
    most = min(most, array_side.steady_cycles(w, exe, c))
    cycles = weights.stream(weigher, c, comes, most)
    if cycles <= 0:
        return 0
    beat = master[reads.BEAT]
    supervise.count(
        counts, done, True, False, False, False, drained, exe[execute.MACS_3], beat, False, False
    )
    supervise.add(counts, cycles - 1)
    if comes:
        memory.pass_beats(mem, c, cycles)
    else:
        memory.pass_by(mem, c, cycles)
    array_side.stream(w, exe, c, cycles)
    if comes or w[turns.NEXT] & turns.B_WEIGHTS:
        turns.wake(w, turns.B_WEIGHTS)
        b_weigher[records.PACKED] = -1  # so that its next turn changes something
    return cycles
