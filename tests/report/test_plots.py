import json
import random

import pytest
from matplotlib import image

from accel.report import folder, roofline, style, timeline, trace
from tests.report.reports import LAYERS, layer, report


def test_a_layers_span_begins_with_the_completion_before_on_its_unit():
    spans = {one["name"]: (one["begin"], one["end"]) for one in timeline.spans(report())}
    assert spans == {"first": (0, 100), "deep": (0, 150), "last": (100, 400)}


def test_the_parts_of_a_layers_cycles_add_up():
    for one in LAYERS:
        assert sum(style.parts(one).values()) == one["cycles"]


def test_the_trace_has_a_bar_for_each_layer_and_the_units_shares():
    events = trace.events(report())
    bars = {one["name"]: one for one in events if one["ph"] == "X"}
    assert {name: (one["ts"], one["dur"]) for name, one in bars.items()} == {
        "first": (0, 100), "deep": (0, 150), "last": (100, 300)
    }  # fmt: skip
    assert bars["first"]["tid"] == bars["last"]["tid"] != bars["deep"]["tid"]
    names = {one["tid"]: one["args"]["name"] for one in events if one["name"] == "thread_name"}
    assert names[bars["deep"]["tid"]] == "window unit"
    shares = [
        (one["ts"], one["args"]["share"])
        for one in events
        if one["ph"] == "C" and one["name"].startswith("window")
    ]
    assert shares == [(0, 20.0), (100, 100.0), (150, 0.0)]
    assert all({"ph", "pid", "name"} <= one.keys() for one in events)


def test_the_roof():
    # 64 multipliers, 4 bytes a cycle: the corner is at 16 MACs a byte.
    assert [roofline.roof(report(), value) for value in (1, 16, 1000)] == [4, 64, 64]
    first, last = roofline.shown(report())
    assert (first["name"], last["name"]) == ("first", "last")
    assert roofline.intensity(first) == 10
    assert roofline.lost(report(), first) == 100 - 1000 / 40
    assert roofline.lost(report(), last) == 250 - 6400 / 64


def test_long_names_lose_their_middle():
    assert style.short("a" * 30) == "a" * 30
    assert style.short("begin" + "x" * 50 + "end", 9) == "begi…xend"


def many(count):
    choose, layers, end = random.Random(1), [], 0
    for number in range(count):
        cycles = choose.randrange(1, 5000)
        end += cycles
        where = "window" if number % 4 == 3 else "array"
        layers.append(layer(f"layer_{number}" * choose.randrange(1, 9), end, cycles, where=where,
                            busy=choose.randrange(cycles), moved=choose.randrange(1, 9999),
                            window_busy=choose.randrange(cycles)))  # fmt: skip
    return report(layers, "many")


@pytest.mark.parametrize("made", [report(), many(107), report(LAYERS[:1])], ids=len)
def test_everything_is_drawn(tmp_path, made):
    folder.write(made, tmp_path / "deep" / "er")
    files = {path.name: path for path in (tmp_path / "deep" / "er").iterdir()}
    assert set(files) == {
        "report.json", "utilisation.png", "roofline.png", "timeline.png", "trace.json"
    }  # fmt: skip
    assert json.loads(files["report.json"].read_text()) == made
    assert json.loads(files["trace.json"].read_text())["traceEvents"] == trace.events(made)
    for name, path in files.items():
        if path.suffix == ".png":
            height, width, _ = image.imread(path).shape
            assert width < 2000, name
            # Every layer has a row of its own that can be read: 20 pixels.
            assert height > 20 * len(made["layers"]) or name != "utilisation.png"


def test_nothing_is_drawn_of_a_network_without_machine_layers(tmp_path):
    made = report() | {"layers": [], "timeline": []}
    folder.write(made, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
