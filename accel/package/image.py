"""The program image: a header and what the memory holds at first, for files and as a C array.

The header's words are named in driver/accel.h, too (``enum accel_image_word``).  Addresses in a
program count from the memory's beginning; the machine's BASE register moves it all.
"""

import dataclasses
import struct
import zlib

import numpy as np

from accel.checksum import checksum
from accel.program import Program
from accel.registers import machine_id

MAGIC = int.from_bytes(b"CNNP", "little")
FORMAT = 1
HEADER_WORDS = 16
HEADER_BYTES = 4 * HEADER_WORDS
#: The payload is cut behind its last byte that is not 0, to whole pieces of this many.
_PIECE = 16
#: Words on a line of the C array.
_LINE = 8


@dataclasses.dataclass(frozen=True)
class Image:
    """A program image: its bytes, as they are in the .bin file."""

    data: bytes

    @property
    def hex(self) -> str:
        """A little-endian word of 32 bits a line, for $readmemh and memory initialisers."""
        return "".join(f"{word:08x}\n" for word in self._words())

    def c_source(self, name: str) -> str:
        """C source of the array ``name``_image, and its size in bytes, ``name``_image_bytes."""
        words = [f"0x{word:08x}u" for word in self._words()]
        lines = (", ".join(words[n : n + _LINE]) for n in range(0, len(words), _LINE))
        body = ",\n    ".join(lines)
        return (
            f'/* The program image, as words of a little-endian processor. */\n'
            f'#include "{name}.h"\n\n'
            f"const uint32_t {name}_image[{len(words)}] = {{\n    {body},\n}};\n"
            f"const size_t {name}_image_bytes = sizeof {name}_image;\n"
        )

    def _words(self):
        return np.frombuffer(self.data, "<u4").tolist()


def image_of(program: Program, cycles: int = 0) -> Image:
    """Return the image of a program with one start of the machine.

    ``cycles``: what a run is predicted to take; 0 if nobody knows.
    """
    (step,) = (step for step in program.steps if step.commands)
    used = int(np.flatnonzero(program.image)[-1]) + 1
    payload = program.image[: min(-(-used // _PIECE) * _PIECE, len(program.image))].tobytes()
    payload += bytes(-len(payload) % 4)
    words = [
        MAGIC, FORMAT, HEADER_BYTES, machine_id(program.params), len(payload),
        max(program.memory_bytes, len(payload)), step.start, step.commands, program.batch,
        zlib.crc32(payload), cycles if cycles < 1 << 32 else 0,
        checksum(program.params, program.image, step.start, step.commands),
    ]  # fmt: skip
    words += [0] * (HEADER_WORDS - 1 - len(words))
    header = struct.pack(f"<{len(words)}I", *words)
    return Image(header + struct.pack("<I", zlib.crc32(header)) + payload)
