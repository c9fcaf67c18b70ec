"""What passed the bus: beats and bursts, what a DRAM made of them, and a memory without banks."""

from accel.sim.engine import Memory

#: What a DRAM counts (accel.sim.engine.TRAFFIC); ``row_hits`` and the next two are its bursts.
_DRAM = ("row_hits", "row_misses", "row_conflicts", "turnarounds", "refreshes")


def passed(batches: list, memory: Memory) -> dict:
    """``bus`` of a report, of accel.batch.Batch; empty where the engine did not look, or run."""
    outcomes = [one for batch in batches for one in batch.outcomes if one]
    if not outcomes or not all(one.traffic for one in outcomes):
        return {}

    def added(name):
        return sum(one.traffic[name] for one in outcomes)

    found = {
        "read_beats": sum(one.counters["read_beats"] for one in outcomes),
        "write_beats": sum(one.counters["write_beats"] for one in outcomes),
        "read_bursts": added("read_bursts"), "write_bursts": added("write_bursts"),
    }  # fmt: skip
    bursts = found["read_bursts"] + found["write_bursts"]
    beats = found["read_beats"] + found["write_beats"]
    found["beats_per_burst"] = beats / bursts if bursts else 0.0
    if memory.dram:
        found |= {name: added(name) for name in _DRAM}
    engines = [one.engines for one in outcomes]
    if all(engines):
        found["engines"] = {
            name: {what: sum(one[what][name] for one in engines) for what in ("bursts", "beats")}
            for name in engines[0]["bursts"]
        }
    return found


def without_dram(memory: Memory, bus_bytes: int) -> Memory:
    """A memory of the same latency that moves as many bytes a cycle, whichever they are."""
    return Memory(
        latency_cycles=memory.latency_cycles, bytes_per_cycle=memory.rate(bus_bytes)
    )


def lines(report: dict) -> list[str]:
    """What a report says of the bus, in lines; none where it says nothing."""
    if "bus" not in report:
        return []
    bus = report["bus"]
    found = [
        f"bus: {bus['read_beats']:,} beats read in {bus['read_bursts']:,} bursts, "
        f"{bus['write_beats']:,} written in {bus['write_bursts']:,}: "
        f"{bus['beats_per_burst']:.1f} beats a burst"
    ]
    if "engines" in bus:
        each = (
            f"{name} {one['beats'] / one['bursts']:.1f}"
            for name, one in bus["engines"].items() if one["bursts"]
        )  # fmt: skip
        found.append(f"beats a burst by engine: {', '.join(each)}")
    if "row_hits" in bus:
        bursts = bus["read_bursts"] + bus["write_bursts"]
        found.append(
            f"{report['memory']['dram']}: {bus['row_hits'] / max(bursts, 1):.1%} of the bursts "
            f"hit an open row, {bus['row_misses']:,} no row, {bus['row_conflicts']:,} another; "
            f"{bus['turnarounds']:,} turn-arounds, {bus['refreshes']:,} refreshes"
        )
    if "ideal" in report:
        ideal, total = report["ideal"], report["total"]
        found.append(
            f"with an ideal memory of {ideal['bytes_per_cycle']} bytes a cycle: "
            f"{ideal['cycles']:,} cycles, {ideal['array_utilisation']:.1%} of the array; with the "
            f"DRAM {total['cycles']:,}, {total['array_utilisation']:.1%}"
        )
    return found
