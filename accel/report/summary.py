"""The report of a run as one dict: what report.json holds, schema 1.

Every cycle is the machine's own counting: a layer's are the difference between its completion
and the one before, the last layer's end with the interrupt, so they add up to the total.
``busy`` and the idle causes split a layer's cycles the same way.  A layer starts before the one
before it has ended, so a little of its work is counted there.  ``array_macs`` are the
multiplications that the machine counted in those cycles; their sum exceeds that of ``macs``, the
network's own, only where groups share a tile or strips overlap.  ``edge`` is the part of the busy
cycles that incomplete tiles (K or channels not filling the array) waste, in whole-array cycles.
``timeline`` has the first batch's layers once more, in the order in which they were completed.
"""

import numpy as np

from accel.graph.ir import Graph
from accel.params import Params
from accel.program import Layer
from accel.sim.engine import Memory

SCHEMA = 1
#: Why the array can be idle, in the order in which plots stack them.
CAUSES = ("fill", "weight", "memory", "post", "sync")
_COUNTS = ("cycles", "busy", "macs", "window_busy", *CAUSES)


def _counts(record: dict[str, int]) -> dict[str, int]:
    """A counter record with its MACs as one number."""
    return {**record, "macs": record["macs_low"] + (record["macs_high"] << 32)}


def _differences(batch) -> list[dict[str, int]]:
    """Counts of each layer of one batch: from the completion before to its own.

    The array and the window unit may complete layers in another order than the network's.  ``end``
    is the completion's cycle, the batch's starts of the machine being one behind the other.
    """
    layers, started = [], 0
    for records, outcome in zip(batch.records, batch.outcomes, strict=True):
        ends = [_counts(record) for record in records]
        order = sorted(range(len(ends)), key=lambda number: ends[number]["cycles"])
        if order:
            ends[order[-1]] = _counts(outcome.counters)
        before, counts = dict.fromkeys(_COUNTS, 0), [{}] * len(ends)
        for number in order:
            counts[number] = {name: ends[number][name] - before[name] for name in _COUNTS}
            counts[number]["end"] = started + ends[number]["cycles"]
            before = ends[number]
        started += before["cycles"]
        layers += counts
    return layers


def _timeline(layers: tuple[Layer, ...], counts: list[dict[str, int]], pes: int) -> list[dict]:
    """A batch's layers in the order of their completion, with what the array did until then."""
    events = [
        {
            "name": layer.name, "op": layer.op, "where": layer.unit, "macs": layer.macs,
            "end": one["end"], "cycles": one["cycles"], "busy": one["busy"],
            "edge": _edge(one, pes), "window_busy": one["window_busy"],
            "idle": {cause: one[cause] for cause in CAUSES},
        }
        for layer, one in zip(layers, counts, strict=True)
    ]  # fmt: skip
    return sorted(events, key=lambda event: event["end"])


def _bound(counts: dict[str, int]) -> str:
    """What most of a layer's cycles went to: compute, or an idle cause."""
    return max(("busy", *CAUSES), key=lambda name: counts[name]).replace("busy", "compute")


def _mismatches(got: dict, expected: dict, tensor: str) -> int | None:
    """Bytes of a tensor that differ; None if nothing was computed."""
    if not got:
        return None
    return int(np.count_nonzero(got[tensor].reshape(expected[tensor].shape) != expected[tensor]))


def _host(name: str, op: str, shape, seconds: float = 0.0, mismatches: int | None = 0) -> dict:
    """The row of a step that runs on the host, outside the machine's cycles."""
    return {
        "name": name, "op": op, "output_shape": list(shape), "macs": 0, "cycles": 0,
        "utilisation": 0.0, "bound": "host", "bytes_read": 0, "bytes_written": 0,
        "mismatches": mismatches, "where": "host", "seconds": seconds,
    }  # fmt: skip


def _edge(counts: dict[str, int], pes: int) -> float:
    """Busy cycles' worth of PEs that had nothing to multiply.

    The MAC counter is the array's and the window unit's together, so where both worked it is more
    than this; the total, which knows the layers' MACs, has it whole.
    """
    return max(0.0, counts["busy"] - counts["macs"] / pes)


def _row(layer: Layer, counts: dict[str, int], shape, moved, differing, pes: int) -> dict:
    """The row of a layer that runs on the machine."""
    cycles = counts["cycles"]
    return {
        "name": layer.name,
        "op": layer.op,
        "output_shape": list(shape),
        "macs": layer.macs,
        "cycles": cycles,
        "utilisation": counts["useful"] / (pes * cycles) if cycles else 0.0,
        "bound": _bound(counts),
        "bytes_read": moved[0],
        "bytes_written": moved[1],
        "mismatches": differing,
        "where": layer.unit,
        "array_macs": counts["macs"],
        "busy": counts["busy"],
        "edge": _edge(counts, pes),
        "window_busy": counts["window_busy"],
        "idle": {cause: counts[cause] for cause in CAUSES},
    }


def _rows(
    graph: Graph, batches: list, per_batch: list, got: dict, expected: dict, pes: int
) -> list[dict]:
    """The rows of the machine's layers, between those of what the host does before and behind."""
    rows = [
        _host(port.name, "quantize", graph.tensors[port.tensor].shape)
        for port in graph.inputs
        if port.dtype == "float32"
    ]
    for number, layer in enumerate(batches[0].program.layers):
        counts = {
            name: sum(layers[number][name] for layers in per_batch) for name in _COUNTS
        }
        layers = [batch.program.layers[number] for batch in batches]
        counts["useful"] = sum(one.macs for one in layers)
        moved = sum(one.bytes_read for one in layers), sum(one.bytes_written for one in layers)
        copied_from = batches[0].program.copies.get(layer.output, layer.output)
        shape = graph.tensors[copied_from].shape
        differing = _mismatches(got, expected, layer.output)
        row = _row(layer, counts, shape, moved, differing, pes)
        rows.append({**row, "macs": counts["useful"]})
    rows += [
        _host(
            node.name, node.op, graph.tensors[node.output].shape,
            sum(batch.host_seconds[node.name] for batch in batches),
            _mismatches(got, expected, node.output),
        )
        for node in graph.nodes
        if node.name in batches[0].host_seconds
    ]
    return rows + [
        _host(port.name, "dequantize", port.shape)
        for port in graph.outputs
        if port.dtype == "float32"
    ]


def summarise(
    graph: Graph,
    params: Params,
    engine: str,
    memory: Memory,
    batches: list,
    got: dict[str, np.ndarray],
    expected: dict[str, np.ndarray],
    build_seconds: float,
) -> dict:
    """Build the report of a run from its batches and both models' tensors.

    Without tensors, for a prediction, there are no mismatches.
    """
    pes = params.rows * params.cols
    per_batch = [_differences(batch) for batch in batches]
    rows = _rows(graph, batches, per_batch, got, expected, pes)
    array = [row for row in rows if row["where"] != "host"]
    cycles = sum(row["cycles"] for row in array)
    macs = sum(row["macs"] for row in array)
    array_macs = sum(row["macs"] for row in array if row["where"] == "array")
    seconds = sum(one.seconds for batch in batches for one in batch.outcomes if one)
    return {
        "schema": SCHEMA,
        "network": graph.name,
        "engine": engine,
        "images": sum(batch.program.batch for batch in batches),
        "batch": batches[0].program.batch,
        "array": {"rows": params.rows, "cols": params.cols},
        "memory": {
            "bytes_per_cycle": memory.bytes_per_cycle or params.bus_bytes,
            "latency_cycles": memory.latency_cycles,
        },
        "layers": rows,
        "timeline": _timeline(batches[0].program.layers, per_batch[0], pes),
        "total": {
            "macs": macs,
            "cycles": cycles,
            "utilisation": macs / (pes * cycles) if cycles else 0.0,
            "mismatches": sum(row["mismatches"] for row in rows) if got else None,
            "busy": sum(row["busy"] for row in array),
            "window_busy": sum(row["window_busy"] for row in array),
            "host_seconds": sum(row["seconds"] for row in rows if row["where"] == "host"),
            "edge": sum(row["busy"] for row in array) - array_macs / pes,
            "idle": {cause: sum(row["idle"][cause] for row in array) for cause in CAUSES},
        },
        "simulation": {
            "seconds": seconds,
            "build_seconds": build_seconds,
            "cycles_per_second": cycles / seconds if seconds else 0.0,
        },
    }
