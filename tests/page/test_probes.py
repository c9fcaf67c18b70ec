"""The registers that the page looks at are marked and read as the Verilog has them."""

import re

import pytest

from accel import machines
from accel.page import probes
from accel.sim.engine import SimulationError
from tests.page.support import MACHINE


def declared(params) -> str:
    """Declarations as Yosys writes them, with what else may stand there."""
    lines = ["  reg other = 1'h0;"]
    for group in probes.groups(params):
        for name in group.signals:
            lines.append(f"  reg [7:0] \\{name.partition('|')[0]}  = 8'h00;")
    return "\n".join(lines) + "\n"


def test_every_register_is_marked_and_has_a_place_of_its_own():
    marked = probes.Marked(declared(MACHINE.params), MACHINE.params)
    names = [name for group in probes.groups(MACHINE.params) for name in group.signals]
    assert marked.text.count("/*verilator public_flat_rd*/") == len(set(names))
    assert "  reg other = 1'h0;\n" in marked.text
    assert re.search(r"\\core\.exec\.swap +/\*verilator public_flat_rd\*/ += 8'h00;", marked.text)
    ends = 0
    for group in probes.groups(MACHINE.params):
        place = marked.places[group.name]
        assert (place.size, place.count, place.offset % 8) == (1, len(group.signals), 0)
        assert place.offset >= ends
        ends = place.offset + place.size * place.count
    assert f"GATHERED = {ends};" in marked.reader


def test_memories_wide_registers_and_wires_that_show_a_register():
    text = declared(MACHINE.params)
    text = text.replace("  reg [7:0] \\core.im2col.bank_0  = 8'h00;",
                        "  reg [7:0] \\core.im2col.bank_0  [4095:0];")  # fmt: skip
    text = text.replace("reg [7:0] \\core.counters.total ", "reg [144:0] \\core.counters.total ")
    text = text.replace("  reg [7:0] \\core.exec.swap  = 8'h00;", (
        "  wire \\core.exec.swap ;\n  reg \\core.twin  = 1'h0;\n"
        "  assign \\core.exec.swap  = \\core.twin ;"))  # fmt: skip
    marked = probes.Marked(text, MACHINE.params)
    assert marked.places["buffer0"].count == 4096
    assert (marked.places["macs"].size, marked.places["macs"].bits) == (20, 145)
    assert "\\core.im2col.bank_0  [4095:0] /*verilator public_flat_rd*/ ;" in marked.text
    assert "\\core.twin /*verilator public_flat_rd*/ = 1'h0;" in marked.text
    assert "swaps(const Root& root) { return root.simulated__DOT__machine__DOT__core__02etwin;" in (
        marked.reader)


def test_of_two_equal_registers_the_one_that_stayed_is_read():
    text = declared(MACHINE.params).replace("pe_0_1.$signal", "pe_0_2.activation")
    marked = probes.Marked(text, MACHINE.params)
    assert "core__02earray__02epe_0_2__02eactivation, to + 1)" in marked.reader


def test_a_register_that_is_gone_is_named():
    text = declared(MACHINE.params).replace("core.exec.swap", "core.exec.other")
    with pytest.raises(SimulationError, match="'swap' reads the register core.exec.swap, which"):
        probes.Marked(text, MACHINE.params)


def test_a_machine_without_a_window_unit_has_fewer_groups():
    params = machines.open_machine("small", {"window_taps": 0}).params
    assert "window" not in probes.queues(params) and "window" in probes.queues(MACHINE.params)
    assert "wload" not in probes.done(params)


@pytest.mark.parametrize("name, encoded", [
    ("core.array.pe_0_0.$signal", "core__02earray__02epe_0_0__02e__024signal"),
    ("control.core__record[9]", "control__02ecore___05Frecord__05b9__05d"),
])  # fmt: skip
def test_verilators_names(name, encoded):
    assert probes.cpp_name(name) == f"simulated__DOT__machine__DOT__{encoded}"
