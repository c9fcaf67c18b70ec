"""A RISC-V processor runs the driver beside the machine: class, cycles and no byte that differs."""

import dataclasses
import importlib.util
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import accel
from accel import opening, package
from tests.package.support import MACHINE, PARAMS, written
from tests.support.networks import Builder

LINE = re.compile(r"^image (\d+): class (\d+), (\d+) cycles, (\d+) bytes differ$", re.M)


def tools() -> None:
    """What a system is built and simulated with, or no test."""
    if importlib.util.find_spec("pythondata_cpu_picorv32") is None:
        pytest.skip("pythondata-cpu-picorv32 is not installed")
    if shutil.which("riscv64-unknown-elf-gcc") is None or shutil.which("iverilog") is None:
        pytest.skip("no RISC-V compiler or no Icarus Verilog is installed")


def run(folder, build, *arguments):
    """Run a package's system."""
    tools()
    return subprocess.run(
        [sys.executable, folder / "system/run.py", "--build", build, *arguments], text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def test_a_layer_on_the_processor(tmp_path):
    """A small machine without a window unit: the processor takes 60,000 cycles in all."""
    tools()
    rng = np.random.default_rng(3)
    graph = Builder(rng, (2, 2, 4)).conv(4).graph()
    images = rng.integers(-128, 128, (1, 2, 2, 4)).astype(np.int8)
    machine = dataclasses.replace(MACHINE, params=dataclasses.replace(PARAMS, window_taps=0))
    package.package(graph, tmp_path / "own", machine, images, limit=1)
    done = run(tmp_path / "own", tmp_path / "build")
    assert done.returncode == 0, done.stdout + done.stderr
    ((image, _, _, differing),) = LINE.findall(done.stdout)
    assert (image, differing) == ("0", "0")


@pytest.mark.campaign
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_digits_on_the_processor(simulator, tmp_path):
    """mnist-8 in the faster simulator, a small network in the slower."""
    if simulator == "icarus":
        written(tmp_path / "own", limit=1)
    else:
        package.package("mnist", tmp_path / "own", MACHINE, limit=1)
    done = run(tmp_path / "own", tmp_path / "build", "--simulator", simulator)
    assert done.returncode == 0, done.stdout + done.stderr
    ((image, found, cycles, differing),) = LINE.findall(done.stdout)
    assert (image, differing) == ("0", "0")
    assert int(cycles) > 500
    if simulator == "verilator":
        images = opening.own_images("mnist", accel.open_network("mnist"), 1)[0][:1]
        assert int(found) == accel.golden_run("mnist", images)[0].argmax()


@pytest.mark.campaign
def test_a_wrong_byte_is_found(tmp_path):
    """One of the answer that the firmware compares with."""
    written(tmp_path / "own", limit=1)
    path = tmp_path / "own/sim/vectors/output_0.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    done = run(tmp_path / "own", tmp_path / "build")
    assert done.returncode == 1
    assert LINE.findall(done.stdout)[0][3] == "1"
    assert "exit 1" in done.stdout
