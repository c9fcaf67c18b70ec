"""Which machine a figure is of, wherever one is shown: array, bus or memory, latency, buffer."""

import dataclasses

import rich.console

from accel import machines
from accel.machines.text import in_words
from accel.report import bench_page, fpga_table, scalesim_table, style, sweep_table
from accel.sim.engine import Memory
from tests.report import reports

SMALL = machines.report(machines.open_machine("small"))
WORDS = "8x8 array, 32 KiB of input buffer, 512 accumulator rows, a window unit of 2 taps"


def printed(table) -> str:
    console = rich.console.Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return " ".join(captured.get().split())


def test_in_words():
    params = SMALL["params"]
    assert in_words(params, SMALL["memory"]) == f"{WORDS}; memory of 8 bytes a cycle, latency 32"
    assert in_words(params) == f"{WORDS}; bus of 8 bytes"
    slow = dataclasses.asdict(Memory(latency_cycles=7, bytes_per_cycle=3))
    assert in_words(params | {"window_taps": 0}, slow).endswith(
        "rows, no window unit; memory of 3 bytes a cycle, latency 7"
    )
    assert machines.describe(machines.open_machine("small")) == (
        f"small: {in_words(params, SMALL['memory'])}"
    )


def test_the_title_of_every_plot():
    first, second = style.title(reports.report()).splitlines()
    assert first == "three, 1 image, batch 1, engine model, machine small, changed"
    assert second == f"{WORDS}; memory of 4 bytes a cycle, latency 32"


def test_a_sweeps_title_has_the_values_of_every_field():
    row = {"rows": 8, "cols": 8, "input_bytes": 2048, "acc_rows": 64, "bus_bytes": 8,
           "bytes_per_cycle": 0, "window_taps": 4, "batch": 1}  # fmt: skip
    rows = [row | {"latency": latency} for latency in range(1, 7)] + [
        row | {"rows": 4, "cols": 16, "latency": 3, "bus_bytes": 16},
        row | {"latency": 2, "window_taps": None},
    ]
    assert sweep_table.machines(rows) == (
        "array 4x16, 8x8; input buffer 2048; accumulator rows 64; bus bytes 8, 16; memory's bytes "
        "a cycle (0: the bus) 0; latency 1 to 6 (6 values); window taps 4; batch 1"
    )


def test_synthesis():
    counts = {name: {"used": 1} for name in ("lut", "ff", "dsp", "block_ram")}
    array = {"rows": 8, "cols": 8}
    result = {"array": array, "params": SMALL["params"], "machine": SMALL, **counts}
    assert f"small: {WORDS}; bus of 8 bytes" in printed(fpga_table.render(result))


def test_a_placement_of_several_seeds_has_a_median():
    counts = {
        name: {"used": 1, "available": 2} for name in ("lut", "ff", "dsp", "block_ram")
    }  # fmt: skip
    result = {"array": {"rows": 8, "cols": 8}, "params": SMALL["params"], "machine": SMALL,
              "device": "ecp5-85k-8", "clock_mhz": {"achieved": 122.2}, **counts,
              "seeds": {"1": 107.4, "2": 122.2, "3": 111.4, "4": 118.6}}  # fmt: skip
    text = printed(fpga_table.render(result))
    assert text.split("median")[1].split()[0] == "115.0"


def test_scalesim_and_the_benchmarks():
    empty = {"scalesim": {}, "machine": {}, "padded": {}}
    report = {"topology": "net", "machine": SMALL, "layers": [], "total": empty}
    words = f"{WORDS}; memory of 8 bytes a cycle, latency 32"
    assert f"net: SCALE-Sim, and this machine, {words}" in printed(scalesim_table.render(report))
    row = {"params": SMALL["params"], "memory": SMALL["memory"]}
    assert bench_page.hardware([row, row]) == [f"- {words}"]
