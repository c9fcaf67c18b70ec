"""What passed the bus in a run: bursts and their beats by engine, and what a DRAM made of them."""

import numpy as np

from accel.cyclemodel import dram, reads, store

#: The engines that read, as accel.cyclemodel.reads numbers them, and those that write.
READERS = {
    "fetch": reads.FETCH, "weights": reads.WEIGHTS, "wparam": reads.WPARAM, "wload": reads.WLOAD,
    "load": reads.LOAD,
}  # fmt: skip
_WRITERS = {"post": 9, "window": 15}
#: What the DRAM counts, by the names of accel.sim.engine.TRAFFIC.
_DRAM = {
    "row_hits": dram.HITS, "row_misses": dram.MISSES, "row_conflicts": dram.CONFLICTS,
    "turnarounds": dram.TURNS, "refreshes": dram.REFRESHES,
}  # fmt: skip


def passed(states: tuple[np.ndarray, ...]) -> dict[str, dict[str, int]]:
    """From the states of all blocks behind a run, in the order of accel.cyclemodel.

    Returns:
        ``bursts`` and ``beats`` by engine; in ``total`` the numbers of accel.sim.engine.TRAFFIC.
    """
    chips, master = states[:2]
    bursts = {name: int(master[reads.BURSTS + client]) for name, client in READERS.items()}
    beats = {name: int(master[reads.BEATS + client]) for name, client in READERS.items()}
    total = {"read_bursts": sum(bursts.values())}
    for name, place in _WRITERS.items():
        bursts[name] = int(states[place][store.BURSTS])
        beats[name] = int(states[place][store.BEATS])
    total["write_bursts"] = sum(bursts[name] for name in _WRITERS)
    total |= {name: int(chips[place]) for name, place in _DRAM.items()}
    return {"bursts": bursts, "beats": beats, "total": total}
