import csv
import pathlib

import pytest

from accel.scalesim import DATAFLOWS, Layer, compute_cycles, read_topology
from tests.support.shared import need

DATA = pathlib.Path(__file__).parent.parent / "data" / "scalesim"


def results():
    with (DATA / "results_32x32_calc.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", results(), ids=lambda row: f"{row['layer']}-{row['dataflow']}")
def test_every_count_of_its_own_runs(row):
    layer = Layer(row["layer"], int(row["M"]), 1, (1, 1), int(row["K"]), int(row["N"]))
    assert compute_cycles(layer, row["dataflow"], 32, 32) == int(row["total_cycles"])
    assert layer.macs == int(row["macs"])


def test_alexnet_from_its_file():
    expected = {(row["layer"], row["dataflow"]): row for row in results()}
    layers = read_topology(DATA / "alexnet.csv")
    assert [layer.name for layer in layers] == ["Conv1", "Conv2", "Conv3", "Conv4", "Conv5"]
    for layer in layers:
        for dataflow in DATAFLOWS:
            row = expected[layer.name, dataflow]
            shape = layer.pixels, layer.reduction, layer.filters
            assert shape == tuple(int(row[name]) for name in ("M", "K", "N"))
            assert compute_cycles(layer, dataflow, 32, 32) == int(row["total_cycles"])


def test_a_depthwise_layer_is_a_layer_for_each_channel():
    one = Layer("a", 9, 9, (3, 3), 1, 2)
    many = Layer("aDP", 9, 9, (3, 3), 5, 2, depthwise=True)
    for dataflow in DATAFLOWS:
        cycles = compute_cycles(one, dataflow, 8, 4)
        assert compute_cycles(many, dataflow, 8, 4) == 5 * cycles
    assert many.macs == 5 * one.macs == 5 * 49 * 9 * 2


@pytest.mark.parametrize(
    "name, count",
    [("Googlenet", 58), ("Resnet18", 21), ("Resnet50", 54), ("mobilenet", 27), ("yolo_tiny", 9)],
)
def test_all_published_topologies_can_be_read(name, count):
    layers = read_topology(need("scalesim", "topologies", f"{name}.csv"))
    assert len(layers) == count
    assert all(layer.macs > 0 for layer in layers)
