"""Which wheels an installation takes for each Python and processor that this project names.

    python -m tests.support.wheels --report reports/wheels.md

It asks the package registry through pip, which resolves the whole installation for a machine that
need not be there, and installs nothing.  What pip cannot know of such a machine are markers
in the packages it finds (``; platform_machine == ...``): those of this project are decided here.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).parents[2]
PROCESSORS = ("x86_64", "aarch64")
#: Oldest glibc to newest: a wheel for any of them runs on a Linux of the newest.
_GLIBCS = (17, 24, 26, 27, 28)
_EXTRAS = ("", "tflite", "fpga", "sweep", "test")


def project() -> dict:
    """pyproject.toml's project table."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def versions() -> list[str]:
    """The Pythons that it names, such as "3.11"."""
    return [
        line.rpartition(" ")[2] for line in project()["classifiers"]
        if re.search(r":: Python :: 3\.\d+$", line)
    ]  # fmt: skip


def requirements(extra: str, version: str, processor: str) -> list[str]:
    """What an installation with an extra ("" for none) needs, markers decided."""
    facts = project()
    lines = facts["dependencies"] + (facts["optional-dependencies"][extra] if extra else [])
    machine = {"python_version": version, "platform_machine": processor, "sys_platform": "linux"}
    found = [Requirement(line) for line in lines]
    return [
        f"{one.name}{one.specifier}" for one in found
        if one.marker is None or one.marker.evaluate(machine)
    ]  # fmt: skip


def wheels(extra: str, version: str, processor: str) -> list[str] | str:
    """The files that pip would install, or its error in a line."""
    platforms = [f"manylinux_2_{glibc}_{processor}" for glibc in _GLIBCS]
    abis = [f"cp{version.replace('.', '')}", "abi3", "none"]
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet",
             "--only-binary=:all:", "--implementation", "cp", "--python-version", version,
             *(word for abi in abis for word in ("--abi", abi)),
             *(word for name in [*platforms, f"manylinux2014_{processor}"]
               for word in ("--platform", name)),
             "--target", folder, "--report", str(report),
             *requirements(extra, version, processor)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return errors[-1].removeprefix("ERROR: ") if errors else "pip failed"
        installed = json.loads(report.read_text())["install"]
    return sorted(one["download_info"]["url"].rpartition("/")[2] for one in installed)


def page(progress=lambda line: None) -> str:
    """The report: a row for each extra, Python and processor."""
    lines = [
        "# Wheels for every Python and processor", "",
        "Made by `python -m tests.support.wheels --report reports/wheels.md`: what pip would "
        "install, without building anything, on a Linux with glibc 2.28 or newer.", "",
        "| installation | Python | processor | packages | of them compiled for it | |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for extra in _EXTRAS:
        for processor in PROCESSORS:
            for version in versions():
                progress(f"{extra or 'cnn-accel'} {version} {processor}")
                found = wheels(extra, version, processor)
                name = f"`cnn-accel[{extra}]`" if extra else "`cnn-accel`"
                row = f"| {name} | {version} | {processor} "
                if isinstance(found, str):
                    lines.append(f"{row}| - | - | {found} |")
                else:
                    own = sum(not one.endswith("-none-any.whl") for one in found)
                    lines.append(f"{row}| {len(found)} | {own} | all there |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the report, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=pathlib.Path)
    options = parser.parse_args()
    text = page(lambda line: print(line, file=sys.stderr, flush=True))
    if options.report:
        options.report.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
