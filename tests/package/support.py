"""Small packages, and the driver of one as a library."""

import ctypes
import functools
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

import accel
from accel import package
from accel.machines.machine import Machine
from accel.params import Params
from accel.sim.engine import Memory
from tests.support.networks import Builder

DRIVER = pathlib.Path(package.__file__).parent / "driver"
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
PARAMS = Params(
    rows=4, cols=4, input_bytes=2048, acc_rows=64, weight_tiles=2, pool_entries=32, bus_bytes=8,
    window_taps=2, window_bytes=1024, load_beats=32,
)  # fmt: skip
MACHINE = Machine("tiny", PARAMS, Memory(), {})


def compiler() -> str:
    """The C compiler, or no test."""
    found = next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if found is None:
        pytest.skip("no C compiler is installed")
    return found


@functools.cache
def network():
    """A network for array and window unit, and two images."""
    rng = np.random.default_rng(3)
    net = Builder(rng, (5, 5, 3)).conv(4, (3, 3), padding=(1, 1, 1, 1))
    first = net.last
    graph = net.depthwise().conv(4).add(first).graph()
    return graph, rng.integers(-128, 128, (2, 5, 5, 3)).astype(np.int8)


def written(folder: pathlib.Path, **options) -> dict:
    """The package of the small network."""
    graph, images = network()
    return accel.package.package(graph, folder, MACHINE, images, **options)


def library(sources, work: pathlib.Path, *flags) -> ctypes.CDLL:
    """C files as a library."""
    from accel.package.registers import c_header

    (work / "accel_registers.h").write_text(c_header())
    path = work / "library.so"
    subprocess.run(
        [compiler(), *STRICT, "-O2", f"-I{DRIVER}", f"-I{work}", *flags, "-shared", "-fPIC",
         *map(str, sources), "-o", str(path), "-lm"], check=True,
    )  # fmt: skip
    return ctypes.CDLL(str(path))
