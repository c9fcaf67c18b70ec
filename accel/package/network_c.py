"""A network as C constants: where inputs and outputs lie, how they are quantised, their softmax."""

import math

import numpy as np

from accel.hls.names import comment, identifier
from accel.package.plan import Entry, Plan, powers
from accel.registers import machine_id

_TYPES = {"float32": "ACCEL_FLOAT32", "int8": "ACCEL_INT8", "uint8": "ACCEL_UINT8"}


def c_name(plan: Plan) -> str:
    """The network's name as the prefix of C names and of files."""
    return identifier(plan.graph.name).lower()


def header(plan: Plan) -> str:
    """Return NAME.h."""
    name, params = c_name(plan), plan.program.params
    guard, capital = f"{name.upper()}_H", name.upper()
    lines = [
        f"/* {comment(plan.graph.name)} on a machine of {params.rows} x {params.cols}. */",
        f"#ifndef {guard}", f"#define {guard}", "", '#include "accel.h"', "",
        f"#define {capital}_MACHINE {machine_id(params):#010x}u",
        f"#define {capital}_MEMORY_BYTES {plan.program.memory_bytes}u",
        f"#define {capital}_BATCH {plan.program.batch}u",
        f"#define {capital}_INPUTS {len(plan.inputs)}u",
        f"#define {capital}_OUTPUTS {len(plan.outputs)}u", "",
    ]  # fmt: skip
    for kind, entries in (("INPUT", plan.inputs), ("OUTPUT", plan.outputs)):
        for number, entry in enumerate(entries):
            elements = math.prod(entry.port.shape)
            lines.append(f"/* {kind.lower()} {number}: {_described(entry)} */")
            lines.append(f"#define {capital}_{kind}_{number}_ELEMENTS {elements}u")
    lines += [
        "", "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
        f"extern const accel_port {name}_inputs[{capital}_INPUTS];",
        f"extern const accel_port {name}_outputs[{capital}_OUTPUTS];",
        f"extern const uint32_t {name}_image[];",
        f"extern const size_t {name}_image_bytes;", "",
        "#ifdef __cplusplus", "}", "#endif", "", "#endif",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _described(entry: Entry) -> str:
    port = entry.port
    shape = " x ".join(map(str, port.shape)) or "1"
    return comment(f"{port.name}, {port.dtype} {shape} ({port.layout})")


def source(plan: Plan) -> str:
    """Return NAME.c."""
    name, tables, softmaxes = c_name(plan), [], {}
    for number, entry in enumerate(plan.outputs):
        if entry.softmax is not None:
            text, softmaxes[number] = _softmax(entry, number)
            tables.append(text)
    inputs = [_port(entry, "NULL") for entry in plan.inputs]
    outputs = [
        _port(entry, f"&softmax_{number}" if number in softmaxes else "NULL")
        for number, entry in enumerate(plan.outputs)
    ]
    capital = name.upper()
    return (
        f'#include "{name}.h"\n\n' + "".join(tables)
        + f"const accel_port {name}_inputs[{capital}_INPUTS] = {{\n{''.join(inputs)}}};\n\n"
        + f"const accel_port {name}_outputs[{capital}_OUTPUTS] = {{\n{''.join(outputs)}}};\n"
    )  # fmt: skip


def _port(entry: Entry, softmax: str) -> str:
    port, tensor, place = entry.port, entry.tensor, entry.place
    layout = "ACCEL_HWC" if port.layout == "HWC" else "ACCEL_CHW"
    height, width, channels = place.shape
    return (
        f'    {{"{_string(port.name)}", {_TYPES[port.dtype]}, {layout}, {int(port.away)},\n'
        f"     {{{place.address}u, {height}, {width}, {channels}, {place.pixel}, {place.row}, "
        f"{place.image},\n"
        f"      {c_float(tensor.scale)}, {tensor.zero_point}}},\n"
        f"     {softmax}}},\n"
    )


def _string(text: str) -> str:
    """Text inside a C string."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\?' else "_" for c in text)
    return plain[:100]


def c_float(value: float) -> str:
    """A float32 as C writes it exactly."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if any(c in text for c in ".en") else f"{text}.0f"


def _softmax(entry: Entry, number: int) -> tuple[str, str]:
    """C of an output's softmax, and its name."""
    name, arithmetic, target = f"softmax_{number}", entry.softmax.arithmetic, entry.target
    integer = raised = "NULL"
    steps, text = 0.0, ""
    if arithmetic != "float":
        table = powers(entry)
        kind = "int32_t" if arithmetic == "integer" else "float"
        values = [str(v) if kind == "int32_t" else c_float(v) for v in table.tolist()]
        rows = ",\n    ".join(", ".join(values[n : n + 8]) for n in range(0, len(values), 8))
        text = f"static const {kind} powers_{number}[256] = {{\n    {rows},\n}};\n\n"
        if kind == "int32_t":
            integer = f"powers_{number}"
        else:
            raised = f"powers_{number}"
    if arithmetic == "table":
        steps = float(np.float32(math.floor(np.float32(1) / np.float32(target.scale))))
    text += (
        f"static const accel_softmax {name} = {{\n"
        f"    ACCEL_SOFTMAX_{arithmetic.upper()}, {integer}, {raised}, {c_float(steps)},\n"
        f"    {c_float(target.scale)}, {target.zero_point}, {int(target.dtype == 'int8')},\n}};\n\n"
    )
    return text, name
