"""What each layer's own unit did for it, and how long that took.

The machine writes its counters to memory when a layer is complete.  By then the array has begun
the next layer, so what it counted between two completions belongs to two layers.  But a layer's
busy cycles are known: every vector of every one of its commands takes one (Layer.busy_cycles), and
all layers' together are what the machine counted, which tests hold against each other.  So the
busy cycles go to the layers that they were spent on, and only the idle ones to the layer that was
next to be completed by that unit:

    own cycles = the layer's busy cycles + the unit's idle cycles since the unit's layer before

That is at least what its multiplications need, so ``own_utilisation``, the share of the unit's
multipliers' turns in these cycles that were of use, is at most 1 whatever overlaps.  The array's
layers' own cycles add up to the total, but for the cycles behind the last of them, in which only
the window unit has layers left.  The window unit's own cycles are counted along its own layers,
beside the array's.
"""

from accel.params import Params
from accel.program import Layer

#: The counter that counts a unit's busy cycles.
_BUSY = {"array": "busy", "window": "window_busy"}


def slots(unit: str, params: Params) -> int:
    """Multiplications that a unit can do in a cycle."""
    return params.cols * (params.rows if unit == "array" else params.window_taps)


def idle(layers: tuple[Layer, ...], ends: list[dict], causes) -> list[dict[str, int]]:
    """By layer of one start, the idle cycles of its unit since the unit's layer before.

    Args:
        layers: of the start.
        ends: the counters at the completion of each; at the interrupt, of the one that is last.
        causes: the counters that say why the array was idle.

    Returns:
        ``idle``, and where the unit is the array, by its causes.
    """
    found: list[dict[str, int]] = [{}] * len(layers)
    for unit, busy in _BUSY.items():
        mine = [number for number, layer in enumerate(layers) if layer.unit == unit]
        names = causes if unit == "array" else ()
        before = dict.fromkeys(("cycles", busy, *names), 0)
        for number in sorted(mine, key=lambda one: ends[one]["cycles"]):
            after = {name: ends[number][name] for name in before}
            counts = {name: after[name] - before[name] for name in before}
            idle_cycles = counts.pop("cycles") - counts.pop(busy)
            found[number] = {"idle": idle_cycles, **counts}
            before = after
    return found


def figures(layers: list[Layer], idle: dict[str, int], unit_slots: int) -> dict:
    """What a row of the report says of a layer's own cycles.

    Args:
        layers: the layer in each batch.
        idle: what :func:`idle` found, summed over the batches.
        unit_slots: multiplications that its unit can do in a cycle.
    """
    macs, busy = (sum(getattr(one, name) for one in layers) for name in ("macs", "busy_cycles"))
    cycles = busy + idle["idle"]
    causes = {name: count for name, count in idle.items() if name != "idle"}
    return {
        "busy_cycles": busy,
        "own_cycles": cycles,
        "own_idle": causes or {"sync": idle["idle"]},
        "own_utilisation": macs / (unit_slots * cycles) if cycles else 0.0,
        "bound": _bound(busy, causes or {"sync": idle["idle"]}),
    }


def _bound(busy: int, causes: dict[str, int]) -> str:
    """What most of a layer's own cycles went to: compute, or an idle cause."""
    counts = {"compute": busy, **causes}
    return max(counts, key=counts.get)
