"""A comparison with SCALE-Sim as one dict: what its report.json holds, schema 1."""

import pathlib

from accel.params import Params
from accel.scalesim.cycles import DATAFLOWS

SCHEMA = 1


def summarise(
    topology: pathlib.Path, rows: list[dict], params: Params, memory
) -> dict:
    """The report of ``rows`` (see accel.scalesim.compare), with totals.

    ``memory`` is accel.sim.engine.Memory.  A layer that this machine cannot run leaves no total of
    its own.
    """
    return {
        "schema": SCHEMA,
        "topology": topology.stem,
        "array": {"rows": params.rows, "cols": params.cols},
        "memory": {
            "bytes_per_cycle": memory.bytes_per_cycle or params.bus_bytes,
            "latency_cycles": memory.latency_cycles,
        },
        "layers": rows,
        "total": {
            "macs": sum(row["macs"] for row in rows),
            "scalesim": {name: sum(row["scalesim"][name] for row in rows) for name in DATAFLOWS},
            **{name: _total([row[name] for row in rows], params) for name in ("machine", "padded")},
        },
    }


def _total(parts: list[dict], params: Params) -> dict:
    """Cycles, MACs and utilisation of all layers on this machine, if it runs them all."""
    if any("error" in part for part in parts):
        return {}
    cycles, macs = (sum(part[name] for part in parts) for name in ("cycles", "macs"))
    return {
        "cycles": cycles, "macs": macs, "utilisation": macs / (params.rows * params.cols * cycles)
    }  # fmt: skip
