"""The program image, and what C knows of it and of errors."""

import ctypes
import re
import zlib

import numpy as np
import pytest

from accel.checksum import checksum
from accel.compiler import compile_graph
from accel.isa import Error
from accel.package import image
from accel.registers import machine_id
from tests.package.support import DRIVER, PARAMS, library, network


@pytest.fixture(scope="module")
def program():
    return compile_graph(network()[0], PARAMS, 2)


def test_header_and_payload(program):
    made = image.image_of(program, 12345)
    words = np.frombuffer(made.data, "<u4")
    (step,) = program.steps
    payload = made.data[image.HEADER_BYTES :]
    assert bytes(made.data[:4]) == b"CNNP"
    assert words[:12].tolist() == [
        image.MAGIC, 1, 64, machine_id(PARAMS), len(payload), program.memory_bytes, step.start,
        step.commands, 2, zlib.crc32(payload), 12345,
        checksum(PARAMS, program.image, step.start, step.commands),
    ]  # fmt: skip
    assert words[15] == zlib.crc32(made.data[:60])
    whole = payload + bytes(program.memory_bytes - len(payload))
    assert whole == program.image.tobytes()
    assert len(payload) < program.memory_bytes  # tensors take no room in it


def test_hex_and_c_are_the_same_words(program):
    made = image.image_of(program)
    words = np.frombuffer(made.data, "<u4").tolist()
    assert [int(line, 16) for line in made.hex.splitlines()] == words
    text = made.c_source("net")
    assert [int(word, 16) for word in re.findall(r"0x([0-9a-f]{8})u", text)] == words
    assert f"net_image[{len(words)}]" in text


def test_c_names_the_headers_words():
    text = (DRIVER / "accel.h").read_text()
    names = text[text.index("enum accel_image_word {") :]
    names = re.sub(r"/\*.*?\*/", "", names[: names.index("};")], flags=re.S)
    at, found = 0, {}
    for name, value in re.findall(r"ACCEL_IMAGE_(\w+)(?: = (\d+))?", names):
        at = int(value) if value else at
        found[name] = at
        at += 1
    assert found == {
        "MAGIC": 0, "FORMAT": 1, "HEADER_BYTES": 2, "MACHINE": 3, "PAYLOAD_BYTES": 4,
        "MEMORY_BYTES": 5, "START": 6, "COMMANDS": 7, "BATCH": 8, "PAYLOAD_CRC": 9,
        "CYCLES": 10, "SUM": 11, "HEADER_CRC": 15, "WORDS": image.HEADER_WORDS,
    }  # fmt: skip
    assert f"ACCEL_IMAGE_MAGIC_VALUE {image.MAGIC:#010X}u".replace("0X", "0x") in text
    assert f"ACCEL_IMAGE_FORMAT_VALUE {image.FORMAT}u" in text


def test_every_error_has_a_name_and_says_what_to_do(tmp_path):
    lib = library([DRIVER / "accel.c", DRIVER / "accel_host.c"], tmp_path)
    for name in ("accel_error_name", "accel_error_text"):
        getattr(lib, name).restype = ctypes.c_char_p
    named = {code: lib.accel_error_name(code).decode() for code in range(256)}
    known = {code: name for code, name in named.items() if name != "unknown"}
    text = (DRIVER / "accel.h").read_text()
    declared = re.findall(r"^    ACCEL_(E_\w+|OK)\b", text, re.M)
    assert sorted(known.values()) == sorted(declared)
    for code in Error:
        others = {"NONE": "OK", "TIMEOUT": "E_BUS_TIMEOUT", "CHECKSUM": "E_SUM"}
        assert named[code] == others.get(code.name, f"E_{code.name}")
    texts = [lib.accel_error_text(code).decode() for code in known]
    assert len(set(texts)) == len(texts) and all(len(one) > 8 for one in texts)
    assert lib.accel_error_text(200) == b"an error code that this driver does not know"


def test_crc_is_zlibs(tmp_path):
    lib = library([DRIVER / "accel.c", DRIVER / "accel_host.c"], tmp_path)
    lib.accel_crc32.restype = ctypes.c_uint32
    lib.accel_crc32.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    data = np.random.default_rng(1).bytes(1000)
    for size in (0, 1, 2, 3, 255, 1000):
        assert lib.accel_crc32(data, size) == zlib.crc32(data[:size])
