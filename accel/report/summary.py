"""The report of a run as one dict: what report.json holds, schema 1.

Every cycle is the machine's own counting: a layer's ``cycles`` are those between two completions,
its own and the one before, the last layer's end with the interrupt, so they add up to the total.
``busy``, ``window_busy``, ``idle`` by cause, ``edge`` and ``array_macs`` are what the machine
counted in those cycles; a layer starts before the one before it has ended, so they and
``utilisation`` (the layer's MACs by those cycles: it can be above 1) mix neighbours.
``own_cycles``, ``busy_cycles``, ``own_idle``, ``own_utilisation`` and ``bound`` are about what was
done for the layer itself: see accel.report.own.

``array_macs`` add up to the sum of ``macs``, the network's own, but where groups share a tile or
strips overlap.  ``edge`` is the part of the busy cycles that incomplete tiles (K or channels not
filling the array) waste, in whole-array cycles.  ``timeline`` has the first batch's layers once
more, in the order in which they were completed.

A layer that is ``near`` leaves its result on the chip, for the next one: nothing is written, and
its bytes, which nobody can look at, are not compared but in what comes of them.
``inputs`` are the layers whose tensors a layer reads, by name (accel.report.edges).

Programs of different batch sizes are cut and fused differently: a layer as only the last, smaller
batch has it has a row of its own, behind the others, with the batch size in its name.
"""

from accel.graph.ir import External, Graph, HostNode
from accel.params import Params
from accel.program import Layer
from accel.report import bus, edges, formula, own
from accel.sim.engine import Memory
from accel.version import version

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
    for step, records, outcome in zip(
        batch.program.steps, batch.records, batch.outcomes, strict=True
    ):
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
        spent = own.idle(step.layers, ends, CAUSES)
        layers += [{**one, "own": mine} for one, mine in zip(counts, spent, strict=True)]
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


def _host(name: str, op: str, shape, seconds: float = 0.0, mismatches: int | None = 0) -> dict:
    """The row of a step that runs on the host, outside the machine's cycles."""
    return {
        "name": name, "op": op, "output_shape": list(shape), "macs": 0, "cycles": 0,
        "utilisation": 0.0, "busy_cycles": 0, "own_cycles": 0, "own_idle": {},
        "own_utilisation": 0.0, "bound": "host", "bytes_read": 0, "bytes_written": 0,
        "mismatches": mismatches, "where": "host", "seconds": seconds,
    }  # fmt: skip


def _edge(counts: dict[str, int], pes: int) -> float:
    """Busy cycles' worth of PEs that had nothing to multiply.

    The MAC counter is the array's and the window unit's together, so where both worked it is more
    than this; the total, which knows the layers' MACs, has it whole.
    """
    return max(0.0, counts["busy"] - counts["macs"] / pes)


class _Form:
    """A layer as programs have it: those that fuse differently have different ones.

    Parameters:
        layer: in the first program that has it.
        name: of its row.
    """

    def __init__(self, layer: Layer, name: str):
        self.layer, self.name = layer, name
        self.batches: list[int] = []
        self.layers: list[Layer] = []
        self._counts: list[dict] = []

    def add(self, batch: int, layer: Layer, counts: dict) -> None:
        """The layer in one more batch, with what :func:`_differences` says of it."""
        self.batches.append(batch)
        self.layers.append(layer)
        self._counts.append(counts)

    def row(self, shape, differing: list[dict[str, int]] | None, params: Params) -> dict:
        """The row of the report."""
        pes, layer = own.slots("array", params), self.layer
        counts = {name: sum(one[name] for one in self._counts) for name in _COUNTS}
        spent = {name: sum(one["own"][name] for one in self._counts)
                 for name in self._counts[0]["own"]}  # fmt: skip
        macs, read, written = (
            sum(getattr(one, name) for one in self.layers)
            for name in ("macs", "bytes_read", "bytes_written")
        )
        # A result that stays on the chip shows in those of the layers behind it only.
        counted = [differing[batch] for batch in self.batches] if differing else []
        differ = [counts[layer.output] for counts in counted if layer.output in counts]
        return {
            "name": self.name,
            "op": layer.op,
            "output_shape": list(shape),
            "macs": macs,
            "cycles": counts["cycles"],
            "utilisation": macs / (pes * counts["cycles"]) if counts["cycles"] else 0.0,
            **own.figures(self.layers, spent, own.slots(layer.unit, params)),
            "bytes_read": read,
            "bytes_written": written,
            "mismatches": sum(differ) if differ else None,
            "where": layer.unit,
            "near": layer.near,
            "array_macs": counts["macs"],
            "busy": counts["busy"],
            "edge": _edge(counts, pes),
            "window_busy": counts["window_busy"],
            "idle": {cause: counts[cause] for cause in CAUSES},
        }


def _forms(batches: list, per_batch: list[list[dict]]) -> list[_Form]:
    """Every form of every layer: those of the first program in its order, then the others."""
    found: dict[tuple, _Form] = {}
    first = batches[0].program
    for number, (batch, counts) in enumerate(zip(batches, per_batch, strict=True)):
        program = batch.program
        for layer, one in zip(program.layers, counts, strict=True):
            key = layer.name, layer.nodes, layer.output, layer.unit, layer.near
            if key not in found:
                size = "" if program.batch == first.batch else f" (batch {program.batch})"
                found[key] = _Form(layer, layer.name + size)
            found[key].add(number, layer, one)
    return list(found.values())


def _rows(
    graph: Graph, batches: list, per_batch: list, differing: list[dict[str, int]] | None,
    params: Params,
) -> list[dict]:
    """The rows of the machine's layers, between those of what the host does before and behind."""
    rows = [
        _host(port.name, "quantize", graph.tensors[port.tensor].shape)
        for port in graph.inputs
        if port.dtype == "float32" and graph.tensors[port.tensor].dtype == "int8"
    ]
    copies = {name: of for batch in batches for name, of in batch.program.copies.items()}
    for form in _forms(batches, per_batch):
        output = form.layer.output
        shape = graph.tensors[copies.get(output, output)].shape
        rows.append(form.row(shape, differing, params))
    rows += [
        _host_part(graph, node, batches, differing)
        for node in graph.nodes
        if node.name in batches[0].host_seconds
    ]
    return rows + [
        _host(port.name, "dequantize", port.shape)
        for port in graph.outputs
        if port.dtype == "float32" and graph.tensors[port.tensor].dtype == "int8"
    ]


def _host_part(graph: Graph, node: HostNode, batches: list, differing) -> dict:
    """The row of what the host computes of the network itself."""
    row = _host(
        node.name, node.op, graph.tensors[node.outputs[0]].shape,
        sum(batch.host_seconds[node.name] for batch in batches),
        differing and sum(one[name] for one in differing for name in node.outputs),
    )
    if isinstance(node, External):
        images = sum(batch.program.batch for batch in batches)
        row |= {"host_macs": node.macs * images, "reason": node.reason}
    return row


def summarise(
    graph: Graph,
    params: Params,
    engine: str,
    memory: Memory,
    batches: list,
    differing: list[dict[str, int]] | None,
    build_seconds: float,
) -> dict:
    """Build the report of a run from its batches.

    Args:
        graph, params, engine, memory: what ran where, with what behind it.
        batches: accel.batch.Batch, one behind the other.
        differing: for each batch the bytes that differ, by tensor (accel.batch.differing); None
            where nothing was compared, as in a prediction.
        build_seconds: what building the simulator took.
    """
    pes = own.slots("array", params)
    per_batch = [_differences(batch) for batch in batches]
    rows = _rows(graph, batches, per_batch, differing, params)
    for name, sources in edges.inputs(graph, batches[0], rows).items():
        for row in rows:
            if row["name"] == name:
                row["inputs"] = sources
    formula.add(graph, batches, rows)
    machine = [row for row in rows if row["where"] != "host"]
    cycles = sum(row["cycles"] for row in machine)
    macs = sum(row["macs"] for row in machine)
    array_macs = sum(row["macs"] for row in machine if row["where"] == "array")
    host_macs = sum(row.get("host_macs", 0) for row in rows)
    seconds = sum(one.seconds for batch in batches for one in batch.outcomes if one)
    passed = bus.passed(batches, memory)
    return {
        **frame(graph, params, engine, memory, batches),
        **({"bus": passed} if passed else {}),
        "layers": rows,
        "timeline": _timeline(batches[0].program.layers, per_batch[0], pes),
        "total": {
            "macs": macs,
            "cycles": cycles,
            "utilisation": macs / (pes * cycles) if cycles else 0.0,
            "array_utilisation": array_macs / (pes * cycles) if cycles else 0.0,
            "mismatches": differing and sum(row["mismatches"] or 0 for row in rows),
            "busy": sum(row["busy"] for row in machine),
            "window_busy": sum(row["window_busy"] for row in machine),
            "host_seconds": sum(row["seconds"] for row in rows if row["where"] == "host"),
            "host_macs": host_macs,
            "machine_share": macs / (macs + host_macs) if macs + host_macs else 1.0,
            "edge": sum(row["busy"] for row in machine) - array_macs / pes,
            "idle": {cause: sum(row["idle"][cause] for row in machine) for cause in CAUSES},
        },
        "simulation": {
            "seconds": seconds,
            "build_seconds": build_seconds,
            "cycles_per_second": cycles / seconds if seconds else 0.0,
        },
    }


def frame(graph: Graph, params: Params, engine: str, memory: Memory, batches: list) -> dict:
    """What a report says of the run as a whole."""
    return {
        "schema": SCHEMA,
        "version": version(),
        "network": graph.name,
        "engine": engine,
        "images": sum(batch.program.batch for batch in batches),
        "batch": batches[0].program.batch,
        "array": {"rows": params.rows, "cols": params.cols},
        "memory": {
            "bytes_per_cycle": memory.rate(params.bus_bytes),
            "latency_cycles": memory.latency_cycles,
            **({"dram": memory.dram, "clock_mhz": memory.clock_mhz} if memory.dram else {}),
        },
    }


def bare(graph: Graph, params: Params, engine: str, memory: Memory, batches: list) -> dict:
    """The report where :func:`summarise` failed: what the machine counted, without any layers."""
    seconds = sum(one.seconds for batch in batches for one in batch.outcomes if one)
    counters = [one.counters for batch in batches for one in batch.outcomes if one]
    cycles = sum(one["cycles"] for one in counters)
    macs = sum(layer.macs for batch in batches for layer in batch.program.layers)
    used = macs / (own.slots("array", params) * cycles) if cycles else 0.0
    return {
        **frame(graph, params, engine, memory, batches),
        "layers": [],
        "timeline": [],
        "total": {"macs": macs, "cycles": cycles, "utilisation": used, "array_utilisation": 0.0,
                  "mismatches": None},
        "counters": counters,
        "simulation": {"seconds": seconds, "build_seconds": 0.0, "cycles_per_second": 0.0},
    }
