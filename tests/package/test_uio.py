"""The driver's Linux side, with plain files in place of the devices: they map just as well.

A file remembers what is written to it, which is all of BASE; nothing runs, so STATUS stays 0.
"""

import ctypes
import mmap
import struct
import subprocess

import pytest

from accel.compiler import compile_graph
from accel.package.image import HEADER_BYTES, image_of
from accel.registers import ID_VALUE, REGISTERS_VERSION, Reg, machine_id
from tests.package.support import DRIVER, PARAMS, STRICT, compiler, library, network
from tests.package.test_host import Device

PHYSICAL, SIZE = 0x3A000000, 1 << 18


class Uio(ctypes.Structure):
    _fields_ = [
        ("registers_file", ctypes.c_int), ("memory_file", ctypes.c_int),
        ("registers", ctypes.c_void_p), ("memory", ctypes.c_void_p),
        ("memory_bytes", ctypes.c_size_t), ("physical", ctypes.c_ulonglong),
        ("failed", ctypes.c_char_p),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def lib(tmp_path_factory):
    sources = [DRIVER / name for name in ("accel.c", "accel_host.c", "accel_uio.c")]
    lib = library(sources, tmp_path_factory.mktemp("uio"))
    lib.accel_error_name.restype = ctypes.c_char_p
    lib.accel_uio_map.restype = ctypes.c_void_p
    lib.accel_load.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return lib


@pytest.fixture
def devices(tmp_path):
    """Registers, memory, and what is told of it."""
    words = {Reg.ID: ID_VALUE, Reg.VERSION: REGISTERS_VERSION, Reg.MACHINE: machine_id(PARAMS)}
    registers = bytearray(4096)
    for address, value in words.items():
        struct.pack_into("<I", registers, address, value)
    (tmp_path / "uio0").write_bytes(registers)
    (tmp_path / "udmabuf0").write_bytes(bytes(SIZE))
    about = tmp_path / "sysfs"
    about.mkdir()
    (about / "phys_addr").write_text(f"{PHYSICAL:#010x}\n")
    (about / "size").write_text(f"{SIZE}\n")
    return [tmp_path / "uio0", tmp_path / "udmabuf0", about]


def opened(lib, devices):
    """The error's name, the structures."""
    uio, device = Uio(), Device()
    paths = [str(path).encode() for path in devices]
    code = lib.accel_uio_open(ctypes.byref(uio), ctypes.byref(device), *paths)
    return lib.accel_error_name(code).decode(), uio, device


def test_a_program_comes_into_the_memory(lib, devices, tmp_path):
    said, uio, device = opened(lib, devices)
    assert said == "OK"
    assert (device.base, device.bytes, uio.physical) == (PHYSICAL, SIZE, PHYSICAL)
    made = image_of(compile_graph(network()[0], PARAMS, 1))
    (tmp_path / "net.bin").write_bytes(made.data)
    size = ctypes.c_size_t()
    at = lib.accel_uio_map(str(tmp_path / "net.bin").encode(), ctypes.byref(size))
    assert size.value == len(made.data)
    assert lib.accel_load(ctypes.byref(device), at, size) == 0
    assert lib.accel_start(ctypes.byref(device)) == 0
    lib.accel_uio_close(ctypes.byref(uio))
    assert uio.registers is None and uio.memory_file == -1
    payload = made.data[HEADER_BYTES:]
    assert devices[1].read_bytes()[: len(payload)] == payload
    words = struct.unpack("<1024I", devices[0].read_bytes())
    assert [words[reg // 4] for reg in (Reg.BASE, Reg.PROGRAM, Reg.COMMANDS, Reg.CONTROL)] == [
        PHYSICAL, device.start, device.commands, 1
    ]  # fmt: skip


@pytest.mark.parametrize("missing", range(3))
def test_what_cannot_be_opened_is_named(missing, lib, devices):
    devices[missing] = devices[missing].with_name("nothing")
    said, uio, _ = opened(lib, devices)
    assert said == "E_NO_DEVICE"
    assert uio.failed == str(devices[missing]).encode()
    assert (uio.registers_file, uio.memory_file) == (-1, -1)


def test_memory_beyond_the_machines_addresses(lib, devices):
    (devices[2] / "phys_addr").write_text("0x8ffff0000\n")
    said, uio, _ = opened(lib, devices)
    assert said == "E_ADDRESS" and uio.failed == str(devices[2]).encode()


def test_another_device(lib, devices):
    with devices[0].open("r+b") as file, mmap.mmap(file.fileno(), 4096) as registers:
        registers[0:4] = b"ELSE"
    assert opened(lib, devices)[0] == "E_NO_DEVICE"


def test_the_headers_are_cplusplus_too(tmp_path):
    from accel.package.registers import c_header

    (tmp_path / "accel_registers.h").write_text(c_header())
    (tmp_path / "main.cpp").write_text(
        '#include "accel.h"\n#include "accel_mmio.h"\n#include "accel_uio.h"\n'
        "int main() { accel_io io = accel_mmio(0); return io.wait != nullptr; }\n"
    )
    subprocess.run(
        [compiler(), "-x", "c++", "-std=c++14", *STRICT[1:], f"-I{DRIVER}", f"-I{tmp_path}",
         "-fsyntax-only", tmp_path / "main.cpp"], check=True,
    )  # fmt: skip
