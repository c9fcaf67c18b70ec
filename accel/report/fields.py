"""What the fields of report.json mean: a report's, a layer's, the timeline's, the total's.

Every report has these fields and no others, which a test holds; ``name?`` is there only where it
says something.  The documentation's page of report.json is made of this.
"""

_CAUSES = "`fill`, `weight`, `memory`, `post`, `sync`"

#: The whole report.
REPORT = {
    "schema": "1; fields are only ever added",
    "version": "of this program",
    "network": "its name",
    "engine": "`verilator` or `pysim` simulated the RTL; `model` predicted it",
    "images": "how many were computed",
    "batch": "how many of them together",
    "array": "`rows` and `cols` of the array",
    "memory": "`bytes_per_cycle` and `latency_cycles` of the memory; of a DRAM also the chip "
              "`dram` and the machine's clock `clock_mhz`",
    "machine": "`name`, what options `changed`, and all fields: `params` of the hardware, `memory`",
    "layers": "a row for each layer, see below",
    "timeline": "the first batch's layers in the order of their completion, see below",
    "total": "of all layers, see below",
    "simulation": "`seconds` on the wall, `build_seconds` of building the simulator, "
                  "`cycles_per_second`",
    "network_sha256": "of the network's file; null where there is none",
    "bus?": "`read_beats` and `write_beats`, in how many `read_bursts` and `write_bursts`, "
            "`beats_per_burst`; a DRAM's `row_hits`, `row_misses`, `row_conflicts` (they add up to "
            "the bursts), `turnarounds`, `refreshes`; predicted: `bursts` and `beats` of `engines`",
    "ideal?": "with a DRAM: `cycles` and `array_utilisation` with an ideal memory of the same "
              "`bytes_per_cycle`, predicted",
    "command?": "the command that made it",
    "engines?": "what each engine did when in the first batch: spans `[begin, end]` of cycles",
    "accuracy?": "`correct` of `images` that have labels",
    "weights?": "where nobody trained them, what they are",
    "inputs?": "where they are no real images, what they are",
    "quantised?": "of a float file: how it was quantised, on what",
    "search?": "what `--search` has tried and found",
    "failed?": "what behind the simulation went wrong, by what it was",
    "counters?": "where that was the report itself: the machine's own, by batch",
}  # fmt: skip

#: One of ``layers``.
LAYER = {
    "name": "of the layer; in brackets the batch size, where only a last, smaller batch has it so",
    "op": "what it computes; `+` joins what is fused",
    "output_shape": "height, width, channels of an image; of the host, as the network has it",
    "macs": "multiplications of the network's in it, all images",
    "cycles": "from the completion of the layer before to its own; they add up to the total",
    "utilisation": "`macs` by the array's multipliers in `cycles`; as layers overlap, above 1 too",
    "busy_cycles": "in which its own unit worked for it",
    "own_cycles": "these, and the unit's idle ones since the unit's layer before",
    "own_idle": f"the latter by cause, where its unit is the array: {_CAUSES}",
    "own_utilisation": "`macs` by its unit's multipliers in `own_cycles`; at most 1",
    "bound": "what the own cycles went to most",
    "bytes_read": "from memory, weights and parameters too",
    "bytes_written": "to memory",
    "mismatches": "bytes that differ from the golden model's; null where nothing was compared",
    "where": "`array`, `window` or `host`: what computes it",
    "inputs?": "the layers whose tensors it reads",
    "conv?": "of a convolution or a fully connected layer: `images`, `pixels` (rows, columns), "
             "`outputs`, `kernel` (rows, columns) and `depth` (inputs of a group), whose product "
             "is `macs`; `groups`, `stride`",
    "near?": "whether its result stays on the chip for the next layer",
    "array_macs?": "multiplications that the machine counted in `cycles`, neighbours' too",
    "busy?": "cycles of `cycles` in which the array worked, for whatever layer",
    "edge?": "of them what incomplete tiles waste, in cycles of the whole array",
    "window_busy?": "cycles of `cycles` in which the window unit worked",
    "idle?": f"cycles of `cycles` in which the array did not work, by cause: {_CAUSES}",
    "seconds?": "of the host, where it computes the layer",
    "host_macs?": "multiplications of the network's in it, on the host",
    "reason?": "why the host computes it",
}  # fmt: skip

#: One of ``timeline``.
EVENT = {
    "name": "of the layer", "op": LAYER["op"], "where": LAYER["where"], "macs": "of one batch",
    "end": "the cycle of its completion", "cycles": "since the completion before",
    "busy": LAYER["busy?"], "edge": LAYER["edge?"], "window_busy": LAYER["window_busy?"],
    "idle": LAYER["idle?"],
}  # fmt: skip

#: ``total``.
TOTAL = {
    "macs": "of all layers on the machine",
    "cycles": "from start to interrupt, all batches",
    "utilisation": "`macs` by the array's multipliers in `cycles`",
    "array_utilisation": "the same of the array's layers alone",
    "mismatches": "bytes of all layers that differ; null where nothing was compared",
    "busy?": "cycles in which the array worked", "window_busy?": "... the window unit",
    "host_seconds?": "of what the host computed", "host_macs?": "multiplications on the host",
    "machine_share?": "of all multiplications those on the machine",
    "edge?": "of the busy cycles what incomplete tiles waste",
    "idle?": f"cycles in which the array did not work, by cause: {_CAUSES}",
}  # fmt: skip


def unexplained(report: dict) -> list[str]:
    """What ``report`` has and is not said here, or is said and not there."""
    wrong = []
    for name, fields, rows in (
        ("report", REPORT, [report]), ("layer", LAYER, report["layers"]),
        ("event", EVENT, report["timeline"]), ("total", TOTAL, [report["total"]]),
    ):  # fmt: skip
        known = {field.removesuffix("?") for field in fields}
        must = {field for field in fields if not field.endswith("?")}
        for row in rows:
            wrong += [f"{name} {field}" for field in (row.keys() - known) | (must - row.keys())]
    return sorted(set(wrong))
