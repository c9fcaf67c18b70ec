"""The register map for software: a C header and SystemRDL, both made of accel.registers.REGISTERS.

That table is also what the written Verilog's header prints and what tests hold against the RTL,
bit by bit.  So it stays the one source, and the SystemRDL is written from it: whoever wants HTML,
UVM, Rust or IP-XACT gives the file to PeakRDL (``peakrdl html registers/accelerator.rdl -o html``).
"""

import textwrap

from accel.isa import RECORD, RECORD_WORDS, Error
from accel.params import BASE_ALIGN, Params
from accel.registers import (
    ID_VALUE,
    REGISTERS,
    REGISTERS_VERSION,
    Bits,
    Reg,
    machine_id,
    registers_of,
)

_ACCESS = {"r": ("r", "na"), "w": ("w", "na"), "rw": ("rw", "r")}


def c_header() -> str:
    """Return accel_registers.h: addresses, masks, shifts, codes and counters."""
    lines = [
        "/* The accelerator's registers, made of the same table as the hardware's own header. */",
        "#ifndef ACCEL_REGISTERS_H", "#define ACCEL_REGISTERS_H", "",
        f"#define ACCEL_ID_VALUE {ID_VALUE:#010x}u", f"#define ACCEL_VERSION_VALUE "
        f"{REGISTERS_VERSION}u", f"#define ACCEL_BASE_ALIGN {BASE_ALIGN}u", "",
    ]  # fmt: skip
    for register, fields in REGISTERS.items():
        lines.append(f"#define ACCEL_REG_{register.name} {register:#04x}u")
        for bits in fields:
            name = f"ACCEL_{register.name}_{bits.name.upper()}"
            lines += textwrap.wrap(
                f"/* {bits.access}: {bits.meaning} */", 96, initial_indent="    ",
                subsequent_indent="       ",
            )  # fmt: skip
            lines.append(f"#define {name}_SHIFT {bits.low}")
            lines.append(f"#define {name}_MASK {_mask(bits):#010x}u")
        lines.append("")
    lines.append("enum accel_code {")
    lines += [f"    ACCEL_CODE_{code.name} = {code.value}," for code in Error]
    lines += ["};", "", f"#define ACCEL_COUNTERS {RECORD_WORDS}", "enum accel_counter_number {"]
    lines += [f"    ACCEL_COUNTER_{name.upper()} = {number}," for name, number in RECORD.items()]
    lines += ["};", "", "#endif"]
    return "\n".join(lines) + "\n"


def _mask(bits: Bits) -> int:
    return (1 << bits.width) - 1 << bits.low


def system_rdl(params: Params) -> str:
    """Return the register map of a machine as SystemRDL 2.0."""
    lines = [
        "// The accelerator's registers.  HTML: peakrdl html accelerator.rdl -o html",
        "addrmap accelerator {", '    name = "CNN accelerator";', "    default regwidth = 32;",
        "    default accesswidth = 32;", "    littleendian;", "    lsb0;", "",
    ]  # fmt: skip
    resets = _resets(params)
    for register, fields in registers_of(params).items():
        lines += ["    reg {", f'        name = "{register.name}";']
        for bits in fields:
            lines += _field(bits, resets.get((register, bits.name)))
        array = f"[{RECORD_WORDS}]" if register is Reg.COUNTERS else ""
        step = " += 0x4" if array else ""
        lines += [f"    }} {register.name}{array} @ {register:#04x}{step};", ""]
    return "\n".join([*lines, "};"]) + "\n"


def _resets(params):
    """What registers hold at first, where that is known; by register and field."""
    return {
        (Reg.ID, "id"): ID_VALUE, (Reg.SHAPE, "rows"): params.rows,
        (Reg.SHAPE, "cols"): params.cols, (Reg.SHAPE, "bus_bytes"): params.bus_bytes,
        (Reg.PROGRAM, "address"): 0, (Reg.COMMANDS, "count"): 0, (Reg.BASE, "page"): 0,
        (Reg.TIMEOUT, "cycles"): params.timeout_cycles, (Reg.BUDGET, "cycles"): 0,
        (Reg.CHECKSUM, "sum"): 0,
        (Reg.VERSION, "version"): REGISTERS_VERSION, (Reg.MACHINE, "digest"): machine_id(params),
    }  # fmt: skip


def _field(bits, reset):
    software, hardware = _ACCESS[bits.access]
    pulse = " singlepulse;" if bits.access == "w" else ""
    if bits.access == "w":
        hardware, reset = "r", 0
    given = "" if reset is None else f" = {reset:#x}"
    hardware = "w" if reset is None and bits.access == "r" else hardware
    description = bits.meaning.replace('"', '\\"')
    return [
        "        field {",
        f'            desc = "{description}";',
        f"            sw = {software}; hw = {hardware};{pulse}",
        f"        }} {bits.name}[{bits.low + bits.width - 1}:{bits.low}]{given};",
    ]
