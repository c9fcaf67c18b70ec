"""memory_map.json: everything that software in any language needs to know of a package."""

import dataclasses

from accel.package.image import HEADER_BYTES, Image
from accel.package.network_c import c_name
from accel.package.plan import Entry, Plan
from accel.params import BASE_ALIGN
from accel.program import Placement
from accel.registers import REGISTERS_VERSION, machine_id


def memory_map(plan: Plan, image: Image) -> dict:
    """Return the map; addresses are offsets from the memory's beginning."""
    program = plan.program
    (step,) = (step for step in program.steps if step.commands)
    return {
        "schema": 1,
        "network": plan.graph.name,
        "name": c_name(plan),
        "machine": {
            "digest": f"{machine_id(program.params):#010x}",
            "registers_version": REGISTERS_VERSION,
            **dataclasses.asdict(program.params),
        },
        "memory": {
            "bytes": program.memory_bytes, "align": BASE_ALIGN,
            "image_bytes": len(image.data) - HEADER_BYTES,
        },
        "program": {
            "start": step.start, "commands": step.commands, "batch": program.batch,
            "cycles": plan.cycles,
        },
        "inputs": [_entry(entry) for entry in plan.inputs],
        "outputs": [_entry(entry) for entry in plan.outputs],
        "tensors": [
            {"name": place.name, "first_channel": first, **_place(place)}
            for place, _, first in plan.stored
        ],
        "left_out": [{"name": node.name, "op": node.op} for node in plan.left_out],
    }  # fmt: skip


def _place(place: Placement) -> dict:
    height, width, channels = place.shape
    return {
        "offset": place.address, "height": height, "width": width, "channels": channels,
        "pixel_bytes": place.pixel, "row_bytes": place.row, "image_bytes": place.image,
    }  # fmt: skip


def _entry(entry: Entry) -> dict:
    port, tensor = entry.port, entry.tensor
    about = {
        "name": port.name, "dtype": port.dtype, "shape": list(port.shape), "layout": port.layout,
        "rounding": "away" if port.away else "even",
        "tensor": {
            "name": entry.place.name, **_place(entry.place), "dtype": "int8",
            "scale": tensor.scale, "zero_point": tensor.zero_point,
        },
    }  # fmt: skip
    if entry.softmax is not None:
        about["softmax"] = {
            "arithmetic": entry.softmax.arithmetic, "dtype": entry.target.dtype,
            "scale": entry.target.scale, "zero_point": entry.target.zero_point,
        }  # fmt: skip
    return about
