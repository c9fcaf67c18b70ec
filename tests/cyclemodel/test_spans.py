"""When commands began and ended, as the cycle model tells reports."""

import json

import numpy as np
import pytest

from accel import recording
from accel.compiler import compile_graph
from accel.cyclemodel import predict, record
from accel.cyclemodel.commands import EXEC, V_K, V_NX, V_NY, WINDOW, X_K, X_NX, X_NY, decode
from accel.cyclemodel.shape import COMPLETION_LATENCY
from accel.estimate import estimate
from accel.isa import RECORD, RECORD_BYTES
from accel.report import timeline, trace
from accel.sim import get_engine
from accel.sim.engine import Memory
from tests.support import networks
from tests.support.machines import MACHINES

PARAMS = MACHINES[1]
#: Cycles from a completion until a counter record that counts it can be taken.
COUNTED = 2


def mobile():
    return networks.mobile(np.random.default_rng(3), 20, 8, 3)


@pytest.fixture(scope="module", params=[mobile, lambda: networks.residual(
    np.random.default_rng(3), 12, 8)], ids=["mobile", "residual"])  # fmt: skip
def ran(request):
    """A program with, of the RTL, the counters and the records; and the model's spans."""
    program = compile_graph(request.param(), PARAMS, 2)
    (step,) = program.steps
    engine, space = get_engine("auto"), program.image.copy()
    engine.build(PARAMS)
    outcome = engine.run(space, step.start, step.commands, Memory(), 10_000_000)
    records = [
        dict(zip(RECORD, space[at : at + RECORD_BYTES].view("<u4").tolist(), strict=True))
        for at in (layer.mark_addr for layer in step.layers)
    ]
    _, _, spans = record(PARAMS, program.image, step.start, step.commands)
    return program, outcome.counters, records, spans


def test_busy_cycles_fill_the_spans(ran):
    program, counters, _, spans = ran
    (step,) = program.steps
    tables = decode(program.image, step.start, step.commands, PARAMS).tables
    execs, windows = tables[EXEC][:-1], tables[WINDOW][:-1]
    busy = execs[:, X_NX] * execs[:, X_NY] * -(-execs[:, X_K] // PARAMS.rows)
    groups = -(-windows[:, V_K] // PARAMS.window_taps)
    beside = windows[:, V_NX] * windows[:, V_NY] * groups
    assert busy.sum() == counters["busy"]
    assert beside.sum() == counters["window_busy"]
    # Only waiting makes an EXEC's span longer than it is busy, and some do not wait at all.
    length = spans["exec"][:, 1] - spans["exec"][:, 0]
    assert (length >= busy).all()
    assert (length == busy).any()
    assert (spans["window"][:, 1] - spans["window"][:, 0] >= beside).all()
    for name, found in spans.items():
        assert (np.diff(found, axis=0) >= 0).all(), name
        assert (found[:, 0] <= found[:, 1]).all(), name
        assert found.max(initial=0) <= counters["cycles"], name
    # Engines that take a command only when the one before has ended.
    assert (spans["exec"][1:, 0] >= spans["exec"][:-1, 1]).all()


def test_the_rtl_has_counted_what_has_ended(ran):
    _, _, records, spans = ran
    behind = {"exec": COMPLETION_LATENCY + 1}  # from its last pixel, where its span ends
    for one in records:
        for name in ("load", "exec", "post", "window"):
            completed = spans[name][:, 1] + behind.get(name, 0)
            ended = np.count_nonzero(completed <= one["cycles"] - COUNTED)
            assert ended == one[f"done_{name}"], (name, one)


@pytest.mark.parametrize("latency, width", [(1, 0), (32, 0), (90, 3)])
def test_recording_changes_nothing(latency, width):
    program = compile_graph(mobile(), PARAMS, 1)
    (step,) = program.steps
    arguments = (PARAMS, program.image, step.start, step.commands, latency, width)
    totals, records, spans = record(*arguments)
    assert (totals, records) == predict(*arguments)
    slowly = record(*arguments, skip=False)
    assert slowly[:2] == (totals, records)
    for name, found in spans.items():
        assert np.array_equal(found, slowly[2][name]), name


def test_spans_are_joined_over_small_gaps():
    spans = np.array([[0, 5], [5, 9], [12, 20], [30, 31]])
    assert recording.joined(spans, 0) == [[0, 9], [12, 20], [30, 31]]
    assert recording.joined(spans, 3) == [[0, 20], [30, 31]]
    assert recording.joined(spans[:0], 0) == []


def test_steps_follow_each_other():
    graph = networks.Builder(np.random.default_rng(1), (6, 6, 8)).conv(8).softmax().conv(4).graph()
    program = compile_graph(graph, PARAMS, 1)
    first, second = program.steps
    total, _, spans = record(PARAMS, program.image, first.start, first.commands)
    later = record(PARAMS, program.image, second.start, second.commands)[2]["exec"]
    assert recording.engines(program, Memory())["exec"] == [
        *spans["exec"].tolist(), *(later + total["cycles"]).tolist()
    ]  # fmt: skip


def test_both_units_are_in_the_report(tmp_path):
    report = estimate(mobile(), params=PARAMS, batch=4, engines=True)
    array, window = report["engines"]["exec"], report["engines"]["window"]
    overlap = sum(
        max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in array for b in window
    )
    assert overlap > 0
    end = report["timeline"][-1]["end"]
    assert all(0 <= a <= b <= end for found in report["engines"].values() for a, b in found)
    events = trace.events(json.loads(json.dumps(report)))
    bars = [one for one in events if one.get("cat") == "engine"]
    named = [one for one in bars if one["name"] == "window unit"]
    assert [[one["ts"], one["ts"] + one["dur"]] for one in named] == window
    assert len({one["tid"] for one in bars}) == sum(map(bool, report["engines"].values()))
    timeline.draw(report, tmp_path / "with.png")
    without = {name: value for name, value in report.items() if name != "engines"}
    timeline.draw(without, tmp_path / "without.png")
    assert (tmp_path / "with.png").stat().st_size > (tmp_path / "without.png").stat().st_size
