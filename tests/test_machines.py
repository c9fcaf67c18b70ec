"""A machine in one file: what it says, what is wrong with it, and every command's options."""

import dataclasses
import json
import os
import tomllib

import click.testing
import pyarrow.parquet
import pytest

from accel import machines
from accel.cli import COMMANDS, main
from accel.cli.machines import FIELDS
from accel.machines import Machine, MachineFileError, chosen, open_machine, sizes
from accel.machines.fields import TABLES, meaning
from accel.params import ParamError, Params
from accel.sim.engine import Memory


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_default_is_params_own():
    assert (open_machine().params, open_machine().memory) == (Params(), Memory())


@pytest.mark.parametrize("name", machines.names())
def test_what_is_written_can_be_read_again(name, tmp_path):
    machine = open_machine(name)
    text = machines.written(machine)
    (tmp_path / "again.toml").write_text(text)
    again = open_machine(tmp_path / "again.toml")
    assert (again.name, again.params, again.memory) == (name, machine.params, machine.memory)
    for table, kind in TABLES.items():
        fields = {field.name for field in dataclasses.fields(kind)}
        assert meaning(table).keys() == fields == tomllib.loads(text)[table].keys()


def test_names_that_need_quotes(tmp_path):
    name = 'a "b" \\ \x01 ü'
    machine = Machine(name, Params(), Memory())
    assert tomllib.loads(machines.written(machine))["name"] == name


def test_every_machine_with_a_name_is_listed():
    assert machines.names() == ["ecp5", "small", "default", "large"] == list(sizes.USES)
    lines = call("machine", "--list").output.splitlines()
    for name in machines.names():
        [line] = [line for line in lines if line.split()[:1] == [name]]
        found = line.split()[5:9]
        size = sizes.SIZES.get(name)
        wanted = (size.lut, size.ff, size.dsp, size.block_ram) if size else "----"
        assert found == [str(one) if one == "-" else f"{one:,}" for one in wanted]
    luts = [size.lut for size in sizes.SIZES.values()]
    assert luts == sorted(luts)


def test_what_follows_from_the_array_still_does():
    assert open_machine("default", {"rows": 8, "cols": 8}).params == Params(rows=8, cols=8)
    again = open_machine(open_machine("default", {"bus_bytes": 8}), {"rows": 4, "cols": 4})
    assert again.params == Params(rows=4, cols=4, bus_bytes=8)
    assert again.changed == {"bus_bytes": 8, "rows": 4, "cols": 4}


def test_what_a_call_means():
    params, memory = Params(rows=4, cols=4), Memory(latency_cycles=7)
    assert chosen().params == Params()
    assert chosen(array=(4, 8)).params == Params(rows=4, cols=8)
    assert chosen("small", (4, 4), memory=memory).memory == memory
    assert chosen("small", (4, 4)).params.input_bytes == 32768
    given = chosen(params=params, array=(8, 8))
    assert (given.params, given.name, given.changed) == (params, "given in Python", {})
    with pytest.raises(ParamError, match="params must not be given beside machine"):
        chosen("small", params=params)
    with pytest.raises(ParamError, match=r"array must be rows and columns, not \(4, 4, 4\)"):
        chosen(array=(4, 4, 4))


BAD = {
    "[machine]\ncolls = 3": "[machine] colls is no key (did you mean cols?), with value 3",
    "[machine]\nzzz = 3": "[machine] zzz is no key (must be one of rows, cols, input_bytes",
    "[hardware]\nrows = 4": "hardware is no table (must be one of machine, memory), with value {",
    "machine = 3": "machine must be a table, not 3",
    "name = 3": "name must be a string of 1 to 80 printable characters, not 3",
    'name = ""': "name must be a string of 1 to 80 printable characters, not ''",
    'name = "a\\nb"': "name must be a string of 1 to 80 printable characters, not 'a\\nb'",
    '[machine]\n"a\\u001b[31m" = 3': "[machine] 'a\\x1b[31m' is no key (must be one of rows",
    "[machine]\nrows = '8'": "[machine] rows must be an integer, not '8'",
    "[machine]\nrows = 8.0": "[machine] rows must be an integer, not 8.0",
    "[machine]\nwindow_taps = true": "[machine] window_taps must be an integer, not True",
    "[memory]\ndram = 3": "[memory] dram must be a string, not 3",
    "[memory]\ndram = 'ddr9'": "dram must be one of ddr3-1600x16, ddr3-1600x32, lpddr4-3200x16, "
                                "lpddr4-3200x32 or empty, not 'ddr9'",
    "[memory]\nclock_mhz = 0": "clock_mhz must be an integer from 1 to 4000, not 0",
    "[memory]\ndead = 1": "[memory] dead must be true or false, not 1",
    "[machine]\nrows = 5": "rows must be a power of two from 4 to 128, not 5",
    "[machine]\nbus_bytes = 512": "bus_bytes must be a power of two from 4 to 128, not 512",
    "[memory]\nlatency_cycles = -1": "latency_cycles must be an integer from 0 to 1048576, not -1",
    "[machine]\nrows = nan": "[machine] rows must be an integer, not nan",
    "[machine]\nrows = [4]": "[machine] rows must be an integer, not [4]",
    "[machine.rows]\nx = 4": "[machine] rows must be an integer, not {'x': 4}",
    "[[machine]]\nrows = 4": "machine must be a table, not [{'rows': 4}]",
    "[machine]\nrows = 4\nrows = 8": "is not TOML: Cannot overwrite a value",
    f"[machine]\nrows = {'9' * 5000}": "is not TOML: Exceeds the limit (4300 digits)",
    f"[machine]\nrows = 0x1{'0' * 5000}": "rows must be a power of two from 4 to 128, not an "
                                          "integer of 20001 bits",
    f"[machine]\nrow = 0x1{'0' * 5000}": "[machine] row is no key (did you mean rows?), with value "
                                         "an integer of 20001 bits",
    f"machine = [0x1{'0' * 5000}]": "machine must be a table, not too long an integer in it",
    f"[machine]\nrows = '{'x' * 5000}'": f"[machine] rows must be an integer, not '{'x' * 76}...",
    "[memory]\nfail_read = -2": "fail_read must be an integer from -1 to 4294967295, not -2",
    "#" * (2 << 20): "cannot be read: must be of at most 1048576 bytes, and is larger",
    f"x = {'[' * 5000}": "is not TOML: ",
    "[memory\n": "is not TOML: Expected ']' at the end of a table declaration (at line 1, col",
    "[memory]\n[memory]": "is not TOML: Cannot declare ('memory',) twice (at line 2, column 8)",
    "x = '\udcff'": "is not TOML: 'utf-8' codec can't decode byte 0xff",
}


@pytest.mark.parametrize("content, message", BAD.items())
def test_a_bad_file_is_one_line_with_file_key_rule_and_value(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    done = call("estimate", "mnist", "--machine", path)
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert line.startswith(f"Error: {path}: {message}")


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    """A device has no end, and a pipe no beginning as long as nobody writes."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for name, message in (
        ("pipe", "must be a file, not a device or a pipe"), ("folder", "Is a directory"),
        ("zero", "must be a file, not a device or a pipe"), ("loop", "Too many levels"),
    ):  # fmt: skip
        done = call("machine", tmp_path / f"{name}.toml")
        assert done.exit_code == 2
        assert done.output.startswith(f"Error: {tmp_path / name}.toml: cannot be read: {message}")
        assert len(done.output.splitlines()) == 1


def test_files_that_editors_write(tmp_path):
    file = tmp_path / "windows.toml"
    file.write_bytes("\ufeff[machine]\r\nrows = 8\r\ncols = 8\r\n".encode())
    assert open_machine(file).params == Params(rows=8, cols=8)
    file.write_text("")
    assert open_machine(file).params == Params()


@pytest.mark.parametrize("source, message", [
    ("smal", "machine must be one of ecp5, small, default, large or a file ending in .toml, not"),
    ("none.toml", "none.toml: cannot be read: No such file or directory"),
])  # fmt: skip
@pytest.mark.parametrize("command", ["run", "estimate", "sweep"])
def test_no_machine(command, source, message):
    done = call(command, "mnist", "--machine", source)
    assert (done.exit_code, done.output.startswith(f"Error: {message}")) == (2, True)
    with pytest.raises(MachineFileError):
        open_machine(source)


def test_an_option_that_does_not_fit_names_the_machine():
    done = call("verilog", "--machine", "small", "--post-lanes", "16")
    assert done.exit_code == 2
    assert done.output == ("Error: machine small with post_lanes = 16: post_lanes must be a power "
                           "of two from 1 to 8, not 16\n")  # fmt: skip
    with pytest.raises(ParamError, match="^lanes is no field of a machine: must be one of rows"):
        open_machine("small", {"lanes": 4})


@pytest.mark.parametrize("name", ["run", "estimate", "verilog", "fpga", "sweep"])
def test_the_options_have_the_same_names_everywhere(name):
    (command,) = (one for one in COMMANDS if one.name == name)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--machine", "--array", *FIELDS} <= options


def test_a_report_says_which_machine_in_full(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n[machine]\nrows = 8\ncols = 8\n[memory]\nlatency_cycles = 50')
    done = call("estimate", "notes", "--machine", file, "--array", "4x4", "--bus-bytes", 8,
                "--latency", 40, "--input-bytes", 4096, "--acc-rows", 64, "--window-taps", 2,
                "--post-lanes", 1, "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report.json").read_text())
    changed = {"bus_bytes": 8, "input_bytes": 4096, "acc_rows": 64, "window_taps": 2,
               "post_lanes": 1, "rows": 4, "cols": 4}  # fmt: skip
    assert report["machine"] == {
        "name": "mine",
        "changed": {**changed, "latency_cycles": 40},
        "params": dataclasses.asdict(Params(**changed)),
        "memory": dataclasses.asdict(Memory(latency_cycles=40)),
    }
    assert report["memory"] == {"bytes_per_cycle": 8, "latency_cycles": 40}
    assert "4x4 array of machine mine with acc_rows 64" in " ".join(done.output.split())


def test_a_memory_that_the_cycle_model_does_not_know(tmp_path):
    file = tmp_path / "stalls.toml"
    file.write_text("[memory]\nstall_seed = 1\nstall_percent = 20\n")
    for command in ("estimate", "sweep"):
        done = call(command, "notes", "--machine", file)
        assert done.exit_code == 2
        assert "stall_percent" in done.output
    run = call("run", "notes", "--array", "4x4", "--limit", 1, "--machine", file, "--engine",
               "pysim", "--out", tmp_path)  # fmt: skip
    assert run.exit_code == 0, run.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["machine"]["memory"]["stall_percent"] == 20
    assert "engines" not in report  # as the cycle model knows them, and it knows no stalls


def test_a_sweep_takes_any_field(tmp_path):
    done = call("sweep", "notes", "--machine", "small", "--set", "queue_depth=2,8", "--set",
                "bytes_per_cycle=1,0", "--window-taps", "0,2", "--jobs", 1, "--out", tmp_path,
                )  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = pyarrow.parquet.read_table(tmp_path / "results.parquet").to_pylist()
    assert len(rows) == 8
    assert {row["post_lanes"] for row in rows} == {2}
    assert {row["input_bytes"] for row in rows} == {32768}
    slow, fast = ({row["cycles"] for row in rows if row["bytes_per_cycle"] == rate}
                  for rate in (1, 0))  # fmt: skip
    assert min(slow) > max(fast)
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert len(lines) == 9 and '"queue_depth"' in lines[0]
    wrong = call("sweep", "notes", "--set", "speed=1")
    assert wrong.exit_code == 2
    assert "must be FIELD=N,... with FIELD one of input_bytes, " in wrong.output


def test_machine_prints_checks_and_writes(tmp_path):
    file = tmp_path / "mine.toml"
    assert call("machine", "small", "-o", file).exit_code == 0
    assert file.read_text() == call("machine", "small").output
    assert "# width of the AXI4 data bus in bytes.\nbus_bytes = 8\n" in file.read_text()
    checked = call("machine", file, "--check")
    assert (checked.exit_code, checked.output.startswith(f"{file}: can be built")) == (0, True)
    file.write_text("[machine]\nrows = 7")
    assert call("machine", file, "--check").exit_code == 2
    assert call("machine", "-o", tmp_path / "no" / "x.toml").exit_code == 2
