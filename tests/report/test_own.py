"""A layer's own cycles: what its unit did for it, of all built-in networks on several arrays."""

import pytest

from accel import models
from accel.estimate import estimate
from accel.params import Params
from accel.program import Layer
from accel.report import own, plot, roofline, table
from accel.report.summary import CAUSES

ARRAYS = [(4, 4), (8, 8), (16, 16), (32, 32), (128, 128)]
#: Not on small arrays, where their cycles are many but of no other kind.
LARGE = ("alexnet", "googlenet", "resnet18", "resnet34", "resnet50", "vgg16")
NETWORKS = list(dict.fromkeys([*models.BUILTIN, *models.NETWORKS]))
CASES = [(name, array) for name in NETWORKS for array in ARRAYS
         if name not in LARGE or array >= (16, 16)]  # fmt: skip
#: Of these the machine has several starts, with the host between them.
SEVERAL = ("alexnet", "googlenet")


@pytest.mark.parametrize("name, array", CASES, ids=lambda value: str(value).replace(", ", "x"))
def test_no_layer_is_above_its_unit_or_the_roof(name, array):
    params = Params(rows=array[0], cols=array[1])
    report = estimate(name, params=params)
    rows = [row for row in report["layers"] if row["where"] != "host"]
    for row in rows:
        slots = params.cols * (params.rows if row["where"] == "array" else params.window_taps)
        assert 0 <= row["own_utilisation"] <= 1
        assert row["macs"] <= slots * row["busy_cycles"]
        assert row["busy_cycles"] + sum(row["own_idle"].values()) == row["own_cycles"]
    for unit, counter in (("array", "busy"), ("window", "window_busy")):
        mine = [row for row in rows if row["where"] == unit]
        # The layers' busy cycles are known from their commands; the machine counted the same.
        assert sum(row["busy_cycles"] for row in mine) == report["total"][counter]
        ends = [event["end"] for event in report["timeline"] if event["where"] == unit]
        if ends and name not in SEVERAL:
            assert sum(row["own_cycles"] for row in mine) == max(ends)
    for row in roofline.shown(report):
        roof = roofline.roof(report, roofline.intensity(row))
        assert roofline.speed(report, row) <= roof * (1 + 1e-12)
        assert roofline.lost(report, row) >= -1e-6
    for bar in plot.shown(report):
        if bar["share"] is not None and bar["cycles"]:
            assert bar["parts"]["useful"] / bar["cycles"] == pytest.approx(bar["share"])
    table.render(report)


#: Counters at the completions of three layers of the array and one of the window unit, by hand.
LAYERS = [("first", "array", 60), ("deep", "window", 30), ("second", "array", 90)]
ENDS = [
    # 20 of the second layer's vectors have entered the array when the first is complete.
    {"cycles": 100, "busy": 80, "window_busy": 10, "fill": 15, "memory": 5},
    {"cycles": 130, "busy": 110, "window_busy": 30, "fill": 15, "memory": 5},
    {"cycles": 185, "busy": 150, "window_busy": 30, "fill": 20, "memory": 15},
]


def test_busy_cycles_go_to_the_layer_that_they_were_for():
    layers = [
        Layer(name, "conv2d", (name,), name, 64 * busy, 0, 0, busy, 0, unit)
        for name, unit, busy in LAYERS
    ]
    ends = [dict.fromkeys(CAUSES, 0) | end for end in ENDS]
    idle = own.idle(tuple(layers), ends, CAUSES)
    assert [one["idle"] for one in idle] == [20, 100, 15]
    assert (idle[0]["fill"], idle[0]["memory"]) == (15, 5)
    assert (idle[2]["fill"], idle[2]["memory"]) == (5, 10)
    first, deep, second = (
        own.figures([layer], one, 64) for layer, one in zip(layers, idle, strict=True)
    )
    assert (first["own_cycles"], second["own_cycles"]) == (80, 105)  # 185 together: every cycle
    assert first["own_utilisation"] == 60 / 80 and second["own_utilisation"] == 90 / 105
    assert (first["bound"], deep["bound"]) == ("compute", "sync")
    # From completion to completion the second layer would have 85 cycles for its 90 vectors.
    assert second["busy_cycles"] > ENDS[2]["cycles"] - ENDS[0]["cycles"]
