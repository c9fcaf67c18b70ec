"""What a report says of the bus: bursts, a DRAM's rows, the ideal memory beside it."""

import json

import pytest

import accel
from accel.report import bus, fields
from tests.test_machines import call

CHIP = "ddr3-1600x16"
MEMORY = accel.Memory(dram=CHIP, clock_mhz=100)
PARAMS = accel.Params(rows=4, cols=4)


def test_rtl_and_model_report_the_same():
    ran = accel.run("mnist", limit=3, batch=2, params=PARAMS, memory=MEMORY).report
    told = accel.estimate("mnist", images=3, batch=2, params=PARAMS, memory=MEMORY)
    engines = told["bus"].pop("engines")
    assert ran["bus"] == told["bus"] and ran["ideal"] == told["ideal"]
    for report in (ran, told):
        assert fields.unexplained(json.loads(json.dumps(report))) == []
    found = ran["bus"]
    bursts = found["read_bursts"] + found["write_bursts"]
    assert found["row_hits"] + found["row_misses"] + found["row_conflicts"] == bursts
    assert sum(one["bursts"] for one in engines.values()) == bursts
    assert sum(one["beats"] for one in engines.values()) == (
        found["read_beats"] + found["write_beats"]
    )
    assert ran["memory"] == {
        "bytes_per_cycle": 16, "latency_cycles": 32, "dram": CHIP, "clock_mhz": 100
    }
    assert ran["ideal"]["cycles"] < ran["total"]["cycles"]
    assert ran["ideal"]["array_utilisation"] > ran["total"]["array_utilisation"]


def test_the_ideal_memory_moves_what_the_chip_can():
    fast = accel.Memory(dram=CHIP, clock_mhz=800, latency_cycles=7)
    assert bus.without_dram(fast, 16) == accel.Memory(latency_cycles=7, bytes_per_cycle=4)
    without = accel.estimate("notes", params=PARAMS)
    assert "ideal" not in without and "row_hits" not in without["bus"]
    assert "dram" not in without["memory"]


def test_what_the_command_prints(tmp_path):
    done = call("estimate", "notes", "--array", "4x4", "--dram", CHIP, "--clock", 200, "--out",
                tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["machine"]["changed"] == {"rows": 4, "cols": 4, "dram": CHIP, "clock_mhz": 200}
    said = " ".join(done.output.split())
    for line in bus.lines(report):
        assert line in said
    assert f"{report['bus']['beats_per_burst']:.1f} beats a burst" in said
    assert f"{CHIP}: " in said and "with an ideal memory of 16 bytes a cycle" in said


@pytest.mark.parametrize("command", ["sweep", "page"])
def test_who_knows_no_dram(command, tmp_path):
    file = tmp_path / "slow.toml"
    file.write_text(f'[memory]\ndram = "{CHIP}"\n')
    given = ["-o", tmp_path / "page.html"] if command == "page" else []
    done = call(command, "mnist", "--machine", file, *given)
    assert done.exit_code == 2
    assert "DRAM" in done.output and len(done.output.splitlines()) == 1
