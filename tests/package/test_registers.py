# amaranth: UnusedElaboratable=no
"""The register map that software gets, as SystemRDL and as C, held against the RTL."""

import re

import pytest
from amaranth.sim import Simulator

from accel.isa import RECORD, RECORD_WORDS, Error
from accel.package.registers import c_header, system_rdl
from accel.params import BASE_ALIGN, Params
from accel.registers import ID_VALUE, REGISTERS_VERSION, Reg, machine_id
from accel.rtl.control.registers import Registers
from tests.rtl.axi_lite_host import Host

PARAMS = Params(rows=8, cols=16, bus_bytes=16, timeout_cycles=100)


def elaborated(text, tmp_path):
    """The registers of a SystemRDL text, by a compiler that is not ours."""
    systemrdl = pytest.importorskip("systemrdl", reason="systemrdl-compiler is not installed")
    (tmp_path / "map.rdl").write_text(text)
    compiler = systemrdl.RDLCompiler()
    compiler.compile_file(str(tmp_path / "map.rdl"))
    return list(compiler.elaborate().top.registers(unroll=True))


def mask(fields) -> int:
    return sum((1 << field.width) - 1 << field.low for field in fields)


def agree(registers) -> None:
    """Hold a register map against the RTL: every address, every bit, every first value."""

    async def bench(ctx):
        host = Host(dut.bus)
        mapped = {one.absolute_address: one for one in registers}
        ctx.set(dut.status, 0xFF0F)
        ctx.set(dut.where, 0xFFFFFFFF)
        for n in range(RECORD_WORDS):
            ctx.set(dut.record[n], 0xFFFFFFFF)
        for address in range(0, 256, 4):
            fields = list(mapped[address].fields()) if address in mapped else []
            readable = [field for field in fields if field.is_sw_readable]
            writable = mask([one for one in readable if one.is_sw_writable])
            first = await host.read(ctx, address)
            for field in readable:
                reset = field.get_property("reset")
                value = first >> field.low & (1 << field.width) - 1
                # What the hardware drives was set to ones.
                wanted = (1 << field.width) - 1 if reset is None else reset
                assert value == wanted, f"{address:#x} {field.inst_name} is {value:#x}"
            assert not first & ~mask(readable), f"{address:#x}: bits that are not listed"
            if address == Reg.CONTROL:
                continue
            for value in (0xFFFFFFFF, 0, first):
                await host.write(ctx, address, value)
                found = await host.read(ctx, address)
                assert found == first & ~writable | value & writable, f"{address:#x} written"

    dut = Registers(PARAMS)
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()


def test_the_register_map_is_the_rtls(tmp_path):
    registers = elaborated(system_rdl(PARAMS), tmp_path)
    assert [one.inst_name for one in registers[:12]] == [reg.name for reg in list(Reg)[:12]]
    agree(registers)


@pytest.mark.parametrize(
    "old, new",
    [
        ("BASE @ 0x20", "BASE @ 0x30"), ("WHERE @ 0x1c", "WHERE @ 0x34"),
        ("page[31:12] = 0x0", "page[31:11] = 0x0"), ("open[3:3]", "open[4:4]"),
        ("cols[15:8] = 0x10", "cols[15:8] = 0x8"), ("sw = rw; hw = r;", "sw = r; hw = r;"),
    ],
)  # fmt: skip
def test_a_register_that_moves_is_found(old, new, tmp_path):
    text = system_rdl(PARAMS)
    assert old in text
    registers = elaborated(text.replace(old, new), tmp_path)
    with pytest.raises(AssertionError, match=r"0x[0-9a-f]+"):
        agree(registers)


def test_the_c_header_is_the_register_map(tmp_path):
    header = c_header()
    defined = dict(re.findall(r"^#define ACCEL_(\w+) (\w+)$", header, re.M))
    values = {name: int(text.rstrip("u"), 0) for name, text in defined.items()}
    assert values["ID_VALUE"] == ID_VALUE and values["VERSION_VALUE"] == REGISTERS_VERSION
    assert values["BASE_ALIGN"] == BASE_ALIGN and values["COUNTERS"] == RECORD_WORDS
    found = {name: value for name, value in values.items() if name.startswith("REG_")}
    assert found == {f"REG_{reg.name}": reg for reg in Reg}
    registers = elaborated(system_rdl(PARAMS), tmp_path)
    for register in registers:
        for field in register.fields():
            name = f"{register.inst_name}_{field.inst_name.upper()}"
            assert values[f"{name}_SHIFT"] == field.low
            assert values[f"{name}_MASK"] == mask([field])
    enums = {name: int(n) for name, n in re.findall(r"^    ACCEL_(\w+) = (\d+),", header, re.M)}
    assert enums == {f"CODE_{code.name}": code.value for code in Error} | {
        f"COUNTER_{name.upper()}": number for name, number in RECORD.items()
    }


def test_the_machines_number_is_of_all_that_a_program_relies_on():
    base = Params()
    assert machine_id(base) == machine_id(Params(timeout_cycles=99))
    others = [Params(rows=8), Params(acc_rows=512), Params(window_taps=2), Params(queue_depth=4),
              Params(post_lanes=4), Params(bus_bytes=8), Params(addr_bits=24)]  # fmt: skip
    assert len({machine_id(one) for one in (base, *others)}) == 1 + len(others)
