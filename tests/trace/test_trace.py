"""Waveforms, read by somebody else's reader: the counters' own numbers are in them."""

import pathlib
import re
import resource
import shutil
import subprocess

import click.testing
import numpy as np
import pytest

import accel
from accel.cli import main
from accel.graph.ports import InputError
from accel.isa import RECORD
from accel.sim import build, traced
from accel.trace import START, layer, signals, trace

pywellen = pytest.importorskip("pywellen", reason="needs a reader: pip install pywellen")

LENET5 = ("lenet5", "conv2")


def variables(path: pathlib.Path) -> dict:
    return {one.full_name: one for one in pywellen.Waveform(str(path)).all_vars()}


def record(found: dict, cycle: int) -> dict[str, int]:
    """The counters at the end of a cycle of the simulation."""
    (name,) = (one for one in found if one.endswith("machine.core.counters.record"))
    value = found[name].signal.value_at(cycle)
    return {key: value >> 32 * number & 0xFFFFFFFF for key, number in RECORD.items()}


def scale(path: pathlib.Path) -> int:
    """Units of time of a cycle."""
    unit = pywellen.Waveform(str(path)).timescale
    assert unit.factor == 1
    return traced.PERIOD * {"ns": 1, "ps": 10**3, "fs": 10**6}[str(unit.unit).rpartition(".")[2]]


@pytest.fixture(scope="module")
def lenet5(tmp_path_factory):
    if not accel.sim.verilator.available():
        pytest.skip("needs Verilator")
    folder = tmp_path_factory.mktemp("trace")
    return trace(*LENET5, folder, array=(4, 4), engine="verilator")


def test_the_waveform_of_lenet5s_second_layer_has_the_counters_own_numbers(lenet5):
    """Those of a run on the fast simulation, which knows nothing of waveforms."""
    run = accel.run("lenet5", limit=1, array=(4, 4))
    (row,) = (one for one in run.layers if one.name == lenet5.layer.name)
    assert (lenet5.ends - lenet5.begins, lenet5.ends) == (
        row.counters["cycles"],
        next(one["end"] for one in run.report["timeline"] if one["name"] == row.name),
    )
    found, period = variables(lenet5.path), scale(lenet5.path)
    before, after = (record(found, (START + cycle) * period) for cycle in
                     (lenet5.begins, lenet5.ends))  # fmt: skip
    assert after == lenet5.counters
    assert before["cycles"] == lenet5.begins and after["cycles"] == lenet5.ends
    idle = {cause: after[cause] - before[cause] for cause in row.counters["idle"]}
    assert idle == row.counters["idle"]
    assert after["busy"] - before["busy"] == row.counters["busy"]


def test_only_the_layers_cycles_are_written(lenet5):
    found, period = variables(lenet5.path), scale(lenet5.path)
    clock = found["TOP.clk"].signal
    times = [time for time, _ in clock]
    assert min(times) == (START + lenet5.first) * period
    assert max(times) < (START + lenet5.last) * period
    assert len(times) == 2 * (lenet5.last - lenet5.first)
    assert lenet5.last == lenet5.ends + layer.BEHIND


def test_the_save_files_show_signals_that_are_there(lenet5):
    found = variables(lenet5.path)
    gtkw, sucl = (path.read_text() for path in lenet5.saves)
    named = [line.removeprefix("variable_add ") for line in sucl.splitlines()
             if line.startswith("variable_add ")]  # fmt: skip
    shown = [line for line in gtkw.splitlines() if line.startswith("TOP.")]
    plain = [re.sub(r"\[\d+:\d+\]$", "", line) for line in shown]
    assert [re.sub(r"(\[\d+\])$", r".\1", line) for line in plain] == named
    assert set(named) <= set(found)
    for block in ("fetch", "load", "weights", "exec", "array", "accumulator", "post", "counters"):
        assert any(f".core.{block}." in name for name in named), block
        assert re.search(rf"^-{block}: ", gtkw, re.M)
    assert "TOP.simulated.machine.core.counters.record.[0]" in named
    widths = {one.surfer: one.width for one in signals.of_file(lenet5.path)}
    assert all(widths[name] == found[name].length for name in named)


@pytest.mark.campaign
def test_pysims_waveform_has_the_same_numbers(tmp_path):
    made = trace("notes", "0", tmp_path, array=(4, 4), engine="pysim", cycles=(100, 900))
    assert made.path.suffix == ".vcd"
    found, period = variables(made.path), scale(made.path)
    assert record(found, (START + 500) * period)["cycles"] == 500
    assert record(found, (START + made.ends) * period) == made.counters
    times = [time for time, _ in found["bench.top.machine.clk"].signal]
    assert min(times) >= (START + 100) * period and max(times) < (START + 900) * period
    named = [line.split()[1] for line in made.saves[1].read_text().splitlines()
             if line.startswith("variable_add ")]  # fmt: skip
    assert set(named) <= set(found)
    counters = "bench.top.machine.core.counters.\\record.[0]"
    assert counters in named and len(named) < 2000  # and not every byte of every memory


@pytest.mark.parametrize("arguments, message", [
    (["--layer", "none"], "layer must be one of conv1, dense1, or its number from 0, not 'none'"),
    (["--layer", "0", "--cycles", "9:3"], "cycles must be A:B with 0 <= A < B, not '9:3'"),
    (["--layer", "0", "--cycles", "x"], "cycles must be A:B with 0 <= A < B, not 'x'"),
    (["--layer", "0", "--machine", "no"], "machine must be one of ecp5, small, default, large"),
    ([], "Missing option '--layer'."),
])  # fmt: skip
def test_mistakes(arguments, message):
    done = click.testing.CliRunner().invoke(main, ["trace", "notes", *arguments])
    assert (done.exit_code, message in done.output) == (2, True)
    assert len(done.output.splitlines()) == 1
    with pytest.raises(InputError, match="form must be fst or vcd, not 'x'"):
        trace("notes", "0", "x", form="x")


def test_the_command(tmp_path):
    done = click.testing.CliRunner().invoke(
        main, ["trace", "notes", "--layer", "dense1", "--array", "4x4", "--engine", "pysim",
               "--out", str(tmp_path)])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "counters at its end: cycles " in done.output
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gtkw", ".sucl", ".vcd"]


def test_a_waveform_that_there_is_no_room_for(lenet5):
    """Verilator's writer ends the process that it is in; the one of before stays."""
    before = lenet5.path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(InputError, match=r"conv2\.fst: .* ended with -6"):
            trace(*LENET5, lenet5.path.parent, array=(4, 4), engine="verilator")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert lenet5.path.read_bytes() == before
    names = [path.name for path in lenet5.path.parent.iterdir()]
    assert len(names) == 3 and not [name for name in names if name.startswith(".")]


def test_lz4_both_ways(tmp_path):
    """What the C++ compressor writes, our reader gets back; texts with long and short matches."""
    random = np.random.default_rng(1)
    texts = [b"", b"a", bytes(range(40)), b"ab" * 400, b"x" * 70000,
             random.integers(0, 3, 5000, np.uint8).tobytes(), random.bytes(3000) * 3]  # fmt: skip
    source = tmp_path / "lz4.cpp"
    source.write_text(
        '#include <iostream>\n#include <iterator>\n#include <string>\n#include "lz4.h"\n'
        "int main() { std::string in(std::istreambuf_iterator<char>(std::cin), {});\n"
        "std::string out(LZ4_compressBound(in.size()), 0);\n"
        "out.resize(LZ4_compress_default(in.data(), &out[0], in.size(), out.size()));\n"
        "std::cout.write(out.data(), out.size()); }\n"
    )
    include = pathlib.Path(build.__file__).with_name("fst")
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    flags = ["-O1", "-fsanitize=undefined", f"-I{include}"]
    subprocess.run(["g++", *flags, source, "-o", tmp_path / "lz4"], check=True)
    for text in texts:
        packed = subprocess.run([tmp_path / "lz4"], input=text, capture_output=True, check=True)
        assert signals.decompress(packed.stdout) == text
    assert len(packed.stdout) < len(texts[-1]) / 2


def test_untraced_simulations_know_nothing_of_waveforms():
    assert "-DVM_TRACE=0" in build.FASTEST.compiler
    assert not any("trace" in flag for flag in build.FASTEST.verilator)
