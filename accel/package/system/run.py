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
import pathlib
import re
import subprocess
import sys

from firmware import HERE, MAP, PACKAGE, RIGHT, call, firmware, give_up, vectors
from tools import verilator


def hex_file(build: pathlib.Path, memory_bytes: int) -> None:
    """Write firmware.hex: the whole memory as it begins, a bus word a line."""
    bus = MAP["machine"]["bus_bytes"]
    script = (HERE / "link.ld").read_text().replace("MEMORY_BYTES", str(memory_bytes))
    (build / "link.ld").write_text(script)
    data = firmware(build, "plain.h", build / "link.ld")
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
        options = [f"-G{name}={value}" for name, value in sizes.items()]
        verilator(build, "--cc", "--exe", "--top-module", "bench", *options, *sources,
                  HERE / "clock.cpp")  # fmt: skip
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
    hex_file(build, sizes["MEMORY_BYTES"])
    sources = [processor(), PACKAGE / "rtl" / "accelerator.v", HERE / "system.v", HERE / "bench.v"]
    said = simulate(given.simulator, build, sources, sizes)
    print(said, end="")
    right = re.findall(RIGHT, said, re.M)
    sys.exit(0 if len(right) == images and re.search(r"^exit 0$", said, re.M) else 1)


if __name__ == "__main__":
    main()
