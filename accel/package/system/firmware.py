"""Compile the firmware that classifies images by the driver, for any of the systems here."""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
MAP = json.loads((PACKAGE / "memory_map.json").read_text(encoding="utf-8"))
#: What the firmware prints of an image if no byte differs.
RIGHT = r"^image \d+: class \d+, \d+ cycles, 0 bytes differ$"
_GCC = "riscv64-unknown-elf-"
_FLAGS = ("-march=rv32im", "-mabi=ilp32", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
          "-ffunction-sections", "-fdata-sections", "--specs=picolibc.specs")  # fmt: skip


def give_up(why: str) -> None:
    """End without a verdict."""
    print(f"error: {why}", file=sys.stderr)
    sys.exit(3)


def call(*command, **options):
    """Run a command; its failure is the end."""
    name = pathlib.Path(command[0]).name
    try:
        return subprocess.run([str(word) for word in command], check=True, **options)
    except FileNotFoundError:
        script = pathlib.Path(sys.argv[0]).name
        give_up(f"{name} is missing: see the head of {HERE.name}/{script}")
    except subprocess.CalledProcessError as error:
        give_up(f"{name} failed with code {error.returncode}")


def vectors(build: pathlib.Path, images: int) -> int:
    """Write vectors.h and vectors.c: the first images, and their answers; returns how many."""
    folder = PACKAGE / "sim" / "vectors"
    sizes, arrays = {}, {}
    for kind in ("input", "output"):
        arrays[kind] = (folder / f"{kind}_0.bin").read_bytes()
        port = MAP[f"{kind}s"][0]
        size = 4 if port["dtype"] == "float32" else 1
        for length in port["shape"]:
            size *= length
        sizes[kind] = size
    count = min(images, len(arrays["input"]) // sizes["input"])
    names = {kind: f"vectors_{kind}[{count * size}]" for kind, size in sizes.items()}
    lines = ["#include <stdint.h>", f"#define VECTORS_IMAGES {count}"]
    lines += [f"extern const uint8_t {name};" for name in names.values()]
    (build / "vectors.h").write_text("\n".join(lines) + "\n")
    text = '#include "vectors.h"\n'
    for kind, name in names.items():
        data = ", ".join(map(str, arrays[kind][: count * sizes[kind]]))
        text += f"const uint8_t {name} __attribute__((aligned(8))) = {{{data}}};\n"
    (build / "vectors.c").write_text(text)
    return count


def firmware(build: pathlib.Path, board: str, script: pathlib.Path, include=()) -> bytes:
    """Compile and link ``firmware.c`` with a ``board``'s header; return its bytes.

    ``script`` is the linker's; ``build`` has what vectors() wrote, and gets ``firmware.elf``;
    ``include`` are others' folders of headers.
    """
    name = MAP["name"]
    sources = [HERE / "start.S", HERE / "firmware.c", build / "vectors.c",
               PACKAGE / "driver" / "accel.c", PACKAGE / "driver" / "accel_host.c",
               *(PACKAGE / "program" / f"{name}{file}.c" for file in ("", "_image"))]  # fmt: skip
    folders = [f"-I{folder}" for folder in (PACKAGE / "driver", PACKAGE / "program", HERE, build)]
    folders += [word for folder in include for word in ("-isystem", folder)]
    call(f"{_GCC}gcc", *_FLAGS, f'-DBOARD="{board}"', *folders,
         "-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments", "-T", script, *sources,
         "-lm", "-o", build / "firmware.elf", cwd=build)  # fmt: skip
    call(f"{_GCC}objcopy", "-O", "binary", build / "firmware.elf", build / "firmware.bin")
    return (build / "firmware.bin").read_bytes()
