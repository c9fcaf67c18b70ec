"""README.md of a package: what is there, and the steps into one's own system."""

import pathlib
from collections.abc import Mapping

from accel.package.network_c import c_name
from accel.package.plan import Entry, Plan
from accel.registers import machine_id

_TEXT = pathlib.Path(__file__).with_name("readme.txt")


def readme(plan: Plan, notes: Mapping[str, str], made: str | None) -> str:
    """Return README.md; ``notes`` tell of random weights or images, ``made`` is the command."""
    program = plan.program
    params, name = program.params, c_name(plan)
    ports = "| | name | yours | offset | height x width x channels | scale | zero point |\n"
    ports += "|---|---|---|---|---|---|---|\n"
    for kind, entries in (("input", plan.inputs), ("output", plan.outputs)):
        ports += "".join(_row(kind, number, entry) for number, entry in enumerate(entries))
    return _TEXT.read_text(encoding="utf-8").format(
        title=name, name=name, network=plan.graph.name, rows=params.rows, cols=params.cols,
        bus=params.bus_bytes, digest=f"{machine_id(params):#010x}", memory=program.memory_bytes,
        made=f" (`{made}`)" if made else "", ports=ports, timeout=params.timeout_cycles,
        cycles=f"{plan.cycles:,}",
        notes="".join(f" Note: {note}." for note in notes.values()),
        batch=f"A run computes {program.batch} images." if program.batch > 1 else "",
        left_out=_left_out(plan),
    )  # fmt: skip


def _row(kind: str, number: int, entry: Entry) -> str:
    port, place, tensor = entry.port, entry.place, entry.tensor
    shape = " x ".join(map(str, port.shape))
    behind = f", after softmax ({entry.softmax.arithmetic})" if entry.softmax else ""
    inside = " x ".join(map(str, place.shape))
    return (
        f"| {kind} {number} | `{port.name}` | {port.dtype} {shape} ({port.layout}){behind} | "
        f"{place.address:#x} | {inside} | {tensor.scale:.9g} | {tensor.zero_point} |\n"
    )


def _left_out(plan: Plan) -> str:
    if not plan.left_out:
        return ""
    nodes = ", ".join(f"`{node.name}` ({node.op})" for node in plan.left_out)
    return (
        f"\n**Left to you**: {nodes}. There is no C for these; the outputs above that are "
        "not the network's own are what they read.\n"
    )
