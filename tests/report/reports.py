"""Reports made by hand, small enough to know every number of."""

from accel import machines
from accel.report.summary import CAUSES


def layer(
    name, end, cycles, *, where="array", busy=0, window_busy=0, macs=1000, moved=100, own=None,
    **idle,
):
    """A layer's row with its completion; what is left of its cycles is fill.

    Its ``own`` cycles are the same if nothing else is said, its own unit's busy ones all that its
    multiplications need on an array of 8x8 or a window unit of 4x8.
    """
    own, slots = own or cycles, 64 if where == "array" else 32
    own_busy = min(own, -(-macs // slots))
    idle = dict.fromkeys(CAUSES, 0) | idle
    idle["fill"] = cycles - busy - sum(idle.values())
    return {
        "name": name, "op": "conv2d", "output_shape": [1, 1, 8], "macs": macs, "cycles": cycles,
        "utilisation": macs / (64 * cycles), "bound": "compute", "bytes_read": moved,
        "bytes_written": 0, "mismatches": 0, "where": where, "array_macs": macs, "busy": busy,
        "edge": 0.0, "window_busy": window_busy, "idle": idle, "end": end,
        "busy_cycles": own_busy, "own_cycles": own, "own_utilisation": macs / (slots * own),
        "own_idle": dict.fromkeys(CAUSES, 0) | {"sync": own - own_busy},
    }  # fmt: skip


#: On an 8x8 array: two layers of the array, one of the window unit that ends between them.
LAYERS = [
    layer("first", 100, 100, busy=60, window_busy=20, memory=30),
    layer("deep", 150, 50, where="window", busy=10, window_busy=50),
    layer("last", 400, 250, busy=200, macs=6400, sync=50),
]
_EVENT = ("name", "op", "where", "macs", "end", "cycles", "busy", "edge", "window_busy", "idle")


def report(layers=LAYERS, name="three"):
    """The report of these layers, completed in this order."""
    total = {key: sum(one[key] for one in layers)
             for key in ("macs", "cycles", "busy", "edge", "window_busy")}  # fmt: skip
    idle = {cause: sum(one["idle"][cause] for one in layers) for cause in CAUSES}
    return {
        "schema": 1, "network": name, "engine": "model", "images": 1, "batch": 1,
        "array": {"rows": 8, "cols": 8},
        "memory": {"bytes_per_cycle": 4, "latency_cycles": 32},
        "machine": machines.report(machines.open_machine("small", {"bytes_per_cycle": 4})),
        "layers": [{key: one[key] for key in one if key != "end"} for one in layers],
        "timeline": [{key: one[key] for key in _EVENT} for one in layers],
        "total": total | {
            "idle": idle, "utilisation": 0.5, "array_utilisation": 0.5, "mismatches": 0
        },
    }  # fmt: skip
