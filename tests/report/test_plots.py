import json
import logging
import os
import pathlib
import random
import subprocess
import sys
from unittest import mock

import pytest
from matplotlib import colors, figure, image, pyplot
from matplotlib.text import Text

from accel.report import (
    curves,
    folder,
    overlap,
    pareto,
    plot,
    roofline,
    style,
    table,
    timeline,
    trace,
)
from tests.report.reports import LAYERS, layer, report

ROOT = pathlib.Path(__file__).parents[2]


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


def on_axes(made):
    """The axes of a roofline, laid out as they are saved."""
    whole = figure.Figure(figsize=(10, 5.5), layout="constrained")
    axes = whole.subplots()
    roofline.draw(axes, made)
    whole.draw_without_rendering()
    return axes


def test_only_layers_below_the_roof_are_named_the_worst_first():
    # At 10 MACs a byte the roof is at 40 MACs a cycle, so 25 cycles; 6400 MACs take 100.
    layers = [
        layer("hidden", 10, 10, own=16), layer("at", 35, 25), layer("below", 61, 26),
        layer("far", 361, 300, macs=6400),
    ]  # fmt: skip
    assert [one["name"] for one in roofline.below(report(layers))] == ["far", "below"]
    names = {text.get_text() for text in on_axes(report(layers)).texts}
    assert {"most cycles below the roof:", "far  200", "below  1"} < names
    assert not any("hidden" in name or "at " in name for name in names)
    # Fractions of a cycle are none: 999 MACs at 9.99 a byte are at the roof after 25 cycles.
    assert roofline.below(report([layer("almost", 26, 25, macs=999)])) == []
    nobody = {text.get_text() for text in on_axes(report(layers[:2])).texts}
    assert nobody == {"memory: 4 bytes a cycle", "array: 64 MACs a cycle"}


def test_a_layer_whose_bytes_came_beside_another_layer_is_at_the_roof():
    """The bus needs 25 cycles for 100 bytes, whatever the array's own cycles are."""
    hidden = layer("hidden", 10, 10, own=16)
    assert roofline.time(report(), hidden) == 25
    assert roofline.speed(report(), hidden) == roofline.roof(report(), 10) == 40
    assert roofline.lost(report(), hidden) == 0


def test_the_rooflines_ticks_are_whole_numbers_or_plain_fractions():
    values = {0.03125: "0.03125", 0.25: "0.25", 1: "1", 512: "512", 1024: "1,024",
              4096: "4,096", 16384: "16,384"}  # fmt: skip
    assert {value: roofline.tick(value) for value in values} == values
    axes = on_axes(report([layer("wide", 100, 100, macs=100 * 2048)]))
    for axis in (axes.xaxis, axes.yaxis):
        assert axis.get_major_formatter()(4096.0, 0) == "4,096"


@pytest.mark.parametrize("moved", [1, 60, 1000, 100_000])
def test_the_roofs_names_stay_inside_the_axes_and_clear_of_each_other(moved):
    # From a slope of one octave to a level roof of one.
    axes = on_axes(report([layer("one", 100, 100, moved=moved)]))
    frame = axes.get_window_extent()
    # The text alone, without its line.
    boxes = [
        Text.get_window_extent(text) for text in axes.texts if text.get_text().endswith("a cycle")
    ]
    assert len(boxes) == 2
    for box in boxes:
        assert frame.x0 < box.x0 and box.x1 < frame.x1
        assert frame.y0 < box.y0 and box.y1 < frame.y1
    memory, array = sorted(boxes, key=lambda box: box.x0)
    assert memory.x1 < array.x0


def test_each_of_many_arrays_has_its_own_look(tmp_path, monkeypatch):
    assert len({pareto.look(number) for number in range(80)}) == 80
    assert len({pareto.look(number)[0] for number in range(8)}) == 8
    rows = [
        {"status": "ok", "rows": 1, "cols": width, "pes": width, "buffer_bytes": 1024,
         "cycles": 1000 - width, "batch": 1}
        for width in range(1, 65)
    ]  # fmt: skip
    drawn = []
    monkeypatch.setattr(pyplot, "close", drawn.append)
    pareto.draw(rows, "many", tmp_path / "pareto.png")
    monkeypatch.undo()
    (whole,) = drawn
    for axes in whole.axes:
        looks = {
            (colors.to_hex(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes())
            for dots in axes.collections
            if dots.get_label().startswith("1x")
        }
        assert len(looks) == 64
    pyplot.close(whole)


@pytest.mark.parametrize(
    ("last", "ticks"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 3, 4, 5]), (40, [5, 10, 15])], ids=str
)
def test_epochs_are_whole(tmp_path, monkeypatch, last, ticks):
    one = {"loss": 0.5, "held_back_loss": 0.6, "accuracy": 0.8, "held_back_accuracy": 0.7,
           "dead_relus": {"relu": (0, 10)}, "iterations": 9}  # fmt: skip
    drawn = []
    monkeypatch.setattr(pyplot, "close", drawn.append)
    curves.draw("net", [one | {"epoch": number + 1} for number in range(last)], tmp_path / "a.png")
    monkeypatch.undo()
    (whole,) = drawn
    for axes in whole.axes:
        low, high = axes.get_xlim()
        inside = [value for value in axes.get_xticks() if low <= value <= high]
        assert inside[: len(ticks)] == ticks and low > 0
        assert all(value == int(value) for value in inside)
    pyplot.close(whole)


def test_what_cycles_are_is_explained_where_layers_overlap():
    over = report([layer("early", 10, 10, own=100), *LAYERS[1:]])
    first, *lines = plot.caption(over).split("\n")
    assert first == "share of the layer's own cycles, %  (right: cycles)"
    assert " ".join(lines) == overlap.OWN
    assert table.render(over).caption == f"{overlap.CYCLES}\n{overlap.OWN}"
    apart = report([layer("full", 100, 100, macs=6400)])
    assert plot.caption(apart) == first
    assert table.render(apart).caption is None


def test_both_panels_say_the_same():
    """What is left is the first part of what is right, for layers of either unit and in total."""
    for bar in plot.shown(report()):
        assert sum(bar["parts"].values()) == pytest.approx(bar["cycles"])
        if bar["name"] != "total":
            assert bar["parts"]["useful"] == pytest.approx(bar["share"] * bar["cycles"])


def test_nothing_to_multiply_is_no_utilisation():
    pool = layer("pool", 10, 10, where="window", macs=0)
    assert [bar["share"] for bar in plot.shown(report([pool]))][0] is None
    told = table.render(report([pool])).columns[6]
    assert told.header == "utilisation" and list(told.cells)[0] == "window unit"


def test_what_matplotlib_says_of_itself_is_not_the_users(tmp_path, caplog, recwarn):
    """A first run builds its font cache, which it tells; and not every font has every glyph."""
    logger = logging.getLogger("matplotlib.font_manager")
    with style.picture(tmp_path / "a.png", 1, 1) as (whole, _):
        whole.suptitle("卷积")
        logger.warning("Matplotlib is building the font cache")
    assert not caplog.records and not recwarn.list
    logger.warning("later")
    assert [record.message for record in caplog.records] == ["later"]


def test_a_first_run_leaves_nothing_on_standard_error(tmp_path):
    """Matplotlib cannot keep its cache there, and says so to everybody else."""
    (tmp_path / "file").write_text("")
    code = (
        "from accel.report import style\n"
        f"with style.picture({str(tmp_path / 'a.png')!r}, 1, 1) as (whole, axes):\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"MPLCONFIGDIR": str(tmp_path / "file" / "deeper"),
                          "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "a.png").exists()


def test_a_picture_that_cannot_be_drawn_keeps_nothing_else_back(tmp_path, monkeypatch):
    (tmp_path / "roofline.png").write_text("an old one")
    wrong = ValueError("no")
    monkeypatch.setitem(folder.PARTS, "roofline.png", mock.Mock(side_effect=wrong))
    assert folder.write(report(), tmp_path) == {"roofline.png": wrong}
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.json", "utilisation.png", "timeline.png", "trace.json", "index.html"
    }  # fmt: skip


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
    assert folder.write(made, tmp_path / "deep" / "er") == {}
    files = {path.name: path for path in (tmp_path / "deep" / "er").iterdir()}
    assert set(files) == {
        "report.json", "utilisation.png", "roofline.png", "timeline.png", "trace.json",
        "index.html",
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
    assert folder.write(made, tmp_path) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "index.html"}
