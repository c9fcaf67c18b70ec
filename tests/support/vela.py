"""Arm's Ethos-U with as many multipliers, by its own compiler's estimator, beside our cycles.

    python -m tests.support.vela FOLDER --vela VELA [--report reports/vela.md]

FOLDER holds the files of NETWORKS; VELA is the command that ``pip install ethos-u-vela`` makes.
"""

import argparse
import csv
import hashlib
import pathlib
import subprocess
import tempfile
import time

import numpy as np

import accel
from accel.litert import Interpreter
from accel.params import Params
from accel.sim.engine import Memory

#: What a network is called, by file: with its hash's beginning, and where it is from.
NETWORKS = {
    "kws_ref_model": ("keyword spotting", "aeea4368", "mlcommons/tiny 1afd2c9820f7"),
    "vww_96_int8": ("visual wake words (MobileNetV1 0.25)", "597a384c",
                    "mlcommons/tiny 1afd2c9820f7"),
    "pretrainedResnet_quant": ("ResNet-8", "3c002613", "mlcommons/tiny 1afd2c9820f7"),
    "tf2_mobilenet_v2_1.0_224_ptq": ("MobileNetV2 1.0, 224x224", "5d313724",
                                     "google-coral/test_data 104342d2d348"),
}  # fmt: skip
#: Accelerator, system configuration, memory mode; the first of each accelerator is Vela's default.
CONFIGURATIONS = (
    ("ethos-u55-256", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    ("ethos-u55-256", "Ethos_U55_High_End_Embedded", "Sram_Only"),
    ("ethos-u65-256", "Ethos_U65_Client_Server", "Dedicated_Sram_384KB"),
    ("ethos-u65-256", "Ethos_U65_Client_Server", "Sram_Only"),
    ("ethos-u85-256", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB"),
    ("ethos-u85-256", "Ethos_U85_SYS_DRAM_Mid", "Sram_Only"),
)
#: What these words mean, from Vela's Arm/vela.ini, in bytes and cycles of the accelerator's clock.
MEANS = (
    "`Ethos_U55_High_End_Embedded`: 500 MHz; SRAM 8 bytes a cycle, latency 32; Flash 1 byte a "
    "cycle, latency 64",
    "`Ethos_U65_Client_Server`: 1 GHz; SRAM 16 bytes a cycle, latency 32; DRAM 12 bytes a cycle, "
    "latency 500 for reads and 250 for writes",
    "`Ethos_U85_SYS_DRAM_Mid`: 1 GHz; two SRAM ports of 16 bytes a cycle, latency 32; DRAM 12 "
    "bytes a cycle, latency 500 and 250",
    "`Shared_Sram`: weights in Flash, tensors in SRAM, as much as they need",
    "`Dedicated_Sram_384KB`: weights and tensors in DRAM, 384 KiB of SRAM as a cache for both",
    "`Sram_Only`: everything in SRAM, as much as it needs",
)
#: Our machine's memories: as everywhere in the reports, and as slow as Vela's DRAM.
MEMORIES = {
    "16 bytes a cycle, latency 32": Memory(),
    "12 bytes a cycle, latency 500": Memory(latency_cycles=500, bytes_per_cycle=12),
}
PARAMS = Params(rows=16, cols=16)


def options(configuration: tuple[str, str, str]) -> list[str]:
    """Vela's options for a configuration."""
    accelerator, system, mode = configuration
    return ["--config", "Arm/vela.ini", "--accelerator-config", accelerator, "--system-config",
            system, "--memory-mode", mode]  # fmt: skip


def by_vela(vela: str, file: pathlib.Path, configuration) -> dict[str, str]:
    """What Vela's summary says of a network."""
    with tempfile.TemporaryDirectory() as folder:
        command = [vela, *options(configuration), "--output-dir", folder, str(file)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        (summary,) = pathlib.Path(folder).rglob("*_summary_*.csv")
        with summary.open(newline="") as lines:
            return next(csv.DictReader(lines))


def on_the_rtl(file: pathlib.Path, memory: Memory) -> dict:
    """Run a random image: the report's total.

    Every byte must be the golden model's, every output LiteRT's, the cycles the cycle model's.
    """
    port = accel.open_network(file).inputs[0]
    low, high = np.iinfo(port.dtype).min, np.iinfo(port.dtype).max + 1
    image = np.random.default_rng(1).integers(low, high, (1, *port.shape)).astype(port.dtype)
    result = accel.run(file, image, params=PARAMS, memory=memory)
    total = result.report["total"]
    for ours, theirs in zip(
        result.outputs, Interpreter(file.read_bytes()).run([image]), strict=True
    ):
        assert total["mismatches"] == np.count_nonzero(ours != theirs) == 0, file
    predicted = accel.estimate(file, params=PARAMS, memory=memory)["total"]
    assert total["cycles"] == predicted["cycles"], file
    return total


def cell(macs: int, cycles: int) -> str:
    """Cycles, and the share of 256 multipliers that they use."""
    return f"{cycles:,} ({macs / 256 / cycles:.1%})"


def row(vela: str, file: pathlib.Path) -> list[str]:
    """A line of the table."""
    name, begins, _ = NETWORKS[file.stem]
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found.startswith(begins), f"{file}: another file, {found}"
    ours = [on_the_rtl(file, memory) for memory in MEMORIES.values()]
    macs = ours[0]["macs"]
    theirs = [int(by_vela(vela, file, one)["cycles_total"]) for one in CONFIGURATIONS]
    return [name, f"{macs:,}", *(cell(macs, one["cycles"]) for one in ours),
            *(cell(macs, cycles) for cycles in theirs)]  # fmt: skip


def page(rows: list[list[str]], version: str) -> str:
    """The report."""
    columns = ["network", "MACs",
               *(f"ours, 16x16: {name}" for name in MEMORIES),
               *(f"{one[0]}, `{one[1].removeprefix('Ethos_')}`, `{one[2]}`"
                 for one in CONFIGURATIONS)]  # fmt: skip
    lines = [
        "# Beside Arm's Ethos-U with 256 multipliers", "",
        f"`python -m tests.support.vela FOLDER --vela VELA --report reports/vela.md`, "
        f"{time.strftime('%Y-%m-%d')}; ethos-u-vela {version} from PyPI. Cycles of one image, and "
        "the share of the 256 multipliers in them (the same count of multiplications for all).", "",
        "**What is compared.** Vela's cycles are those of the estimator in Arm's compiler, not of "
        "hardware or RTL. Its own page says that they \"should not be taken as accurate "
        "representations of real performance numbers and they should not be compared against "
        "those from other compilations that use different settings or configurations\"; accurate "
        "ones come from an FPGA. So this is an estimate beside a count: ours are the RTL's "
        "counters for a random image, every stored byte equal to the golden model's and every "
        "output to that of LiteRT's reference kernels. Vela "
        "counts the softmax at the end, here it is the host's. Ours is a machine of 128 KiB of "
        "im2col buffer and 32 KiB of window buffer behind one AXI port, through which everything "
        "goes that does not stay on the chip; Vela's has the memories below, and compresses "
        "weights. Where memory takes 500 cycles to answer, ours is held up by that, and "
        "has no larger memory on the chip to hide it.", "",
        "| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1),
        *("| " + " | ".join(line) + " |" for line in rows), "",
        "Vela's memories (its own names, from `Arm/vela.ini`; the first of each accelerator is "
        "what Vela takes if nothing is said):", "", *(f"- {one}" for one in MEANS), "",
        "The commands, for each FILE.tflite:", "", "```sh",
        *(f"vela {' '.join(options(one))} FILE.tflite" for one in CONFIGURATIONS),
        "accel run FILE.tflite --input F.npz",
        'python -c "import accel; print(accel.run(\'FILE.tflite\', images, memory=accel.Memory('
        'latency_cycles=500, bytes_per_cycle=12)).report[\'total\'])"',
        "```", "", "The files:", "",
        *(f"- {name}: {stem}.tflite of {source} (sha256 {begins}...)"
          for stem, (name, begins, source) in NETWORKS.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all, print the page, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--vela", required=True)
    parser.add_argument("--report", type=pathlib.Path)
    given = parser.parse_args()
    files = [(given.folder / f"{stem}.tflite").resolve() for stem in NETWORKS]
    version = subprocess.run([given.vela, "--version"], check=True, capture_output=True, text=True)
    text = page([row(given.vela, file) for file in files], version.stdout.strip())
    print(text)
    if given.report:
        given.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
