import functools
import itertools
import os
import re
import signal
import subprocess
import sys
import time

import click.testing
import numpy as np
import pyarrow.parquet
import pytest

from accel.cli import main
from accel.compiler import compile_graph
from accel.dse import engines, evaluate, processes
from accel.dse.errors import SweepError
from accel.dse.evaluate import failure
from accel.dse.identity import identity
from accel.dse.point import Point, grid
from accel.dse.sweep import sweep
from accel.opening import open_network
from tests.support.networks import Builder

POINTS = grid([(4, 4), (8, 8)], bus_bytes=[8, 64])


@pytest.fixture(scope="module")
def network():
    graph = Builder(np.random.default_rng(1), (6, 6, 3)).conv(8, (3, 3)).graph()
    engines.predict(graph, POINTS[0].params())  # compiled here once, not by every worker
    return graph


@pytest.fixture(scope="module")
def swept(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return sweep(network, POINTS, folder, jobs=2), folder


def test_rows_are_the_points_in_their_order(swept, network):
    rows, folder = swept
    assert [(row["rows"], row["bus_bytes"]) for row in rows] == [(4, 8), (4, 64), (8, 8), (8, 64)]
    assert [row["status"] for row in rows] == ["ok", "failed", "ok", "ok"]
    assert rows[1]["error"] == "ParamError: bus_bytes must divide rows * cols = 16, not 64"
    for row, point in zip(rows, POINTS, strict=True):
        if row["status"] == "ok":
            counts = engines.predict(network, point.params())
            assert {name: row[name] for name in counts} == counts
            layers = compile_graph(network, point.params(), 1).layers
            assert row["macs"] == sum(layer.macs for layer in layers)
    table = pyarrow.parquet.read_table(folder / "results.parquet")
    assert sorted(table["cycles"].drop_null().to_pylist()) == sorted(
        row["cycles"] for row in rows if row["status"] == "ok"
    )


def test_only_what_is_missing_is_evaluated(swept, network, monkeypatch):
    rows, folder = swept
    asked = []

    class Here:
        def __init__(self, graph, engine, jobs):
            self._arguments = graph, engine

        def run(self, points):
            asked.extend(points)
            return ((point, evaluate.evaluate(*self._arguments, point)) for point in points)

    monkeypatch.setattr("accel.dse.sweep.Processes", Here)
    assert sweep(network, POINTS, folder) == rows
    assert asked == []
    sweep(network, POINTS, folder, retry_failed=True)
    assert asked == [POINTS[1]]
    more = Point(4, 8, bus_bytes=8)
    assert sweep(network, [more, POINTS[0]], folder)[1] == rows[0]
    assert asked == [POINTS[1], more]


def test_the_rtl_counts_the_same(network):
    point = Point(4, 4, bus_bytes=8)
    exact = evaluate.evaluate(network, "model", point)
    simulated = evaluate.evaluate(network, "pysim", point)
    assert exact["status"] == "ok"
    assert {**simulated, "seconds": 0} == {**exact, "seconds": 0}


def test_points_of_other_memories_share_a_program(network, monkeypatch):
    compiled = []
    monkeypatch.setattr(evaluate, "_latest", [])
    monkeypatch.setattr(
        evaluate, "compile_graph",
        lambda *key, data: compiled.append(key[1:]) or compile_graph(*key, data=data),
    )
    points = [Point(4, 4, bus_bytes=8, latency=latency) for latency in (16, 300)]
    near, far = (evaluate.evaluate(network, "model", point) for point in points)
    assert far["cycles"] > near["cycles"]
    evaluate.evaluate(network, "model", Point(4, 4, bus_bytes=8, batch=2))
    assert compiled == [(points[0].params(), 1), (points[0].params(), 2)]


def test_an_unknown_engine(network, tmp_path):
    with pytest.raises(SweepError, match="engine must be one of model, verilator, pysim"):
        sweep(network, POINTS, tmp_path, engine="guess")


def deadly(graph, engine, point):
    """Evaluate a point, or end like a process that ran out of memory."""
    if point.batch == 2:
        os._exit(9)
    return {"status": "ok", "process": os.getpid()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_that_dies_costs_only_its_own_point(network, jobs):
    points = grid([(4, 4)], batch=[1, 2, 3], latency=[1, 2])
    found = dict(processes.Processes(network, "model", jobs, deadly).run(points))
    assert found.keys() == set(points)
    for point, row in found.items():
        assert row["status"] == ("failed" if point.batch == 2 else "ok")
        assert point.batch != 2 or "worker process died" in row["error"]


def meeting(folder, graph, engine, point):
    """Evaluate a point, the first one not before another worker has one, too."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)
    return {"status": "ok", "process": os.getpid()}


def test_points_of_one_machine_go_to_one_worker(network, tmp_path):
    points = grid([(4, 4), (8, 8)], latency=list(range(1, 9)))
    work = functools.partial(meeting, tmp_path)
    found = dict(processes.Processes(network, "model", 2, work).run(points))
    homes = [found[point]["process"] for point in points]
    assert homes[0] != homes[8]
    for group in (homes[:8], homes[8:]):  # a worker without points takes the other's last ones
        assert sum(one != other for one, other in itertools.pairwise(group)) <= 1


class Unloadable:
    """What a worker cannot read, as if it had another version of something."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_worker_that_cannot_begin(network):
    with pytest.raises(SweepError, match="ended with exit code 1 before it began"):
        list(processes.Processes(network, "model", 2, Unloadable()).run([Point()]))


class Slow:
    """What a worker needs long to read."""

    def __reduce__(self):
        return time.sleep, (60,)


def test_a_worker_that_does_not_begin(network, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 1.0)
    with pytest.raises(SweepError, match="did not begin within 1 s"):
        list(processes.Processes(network, "model", 1, Slow()).run([Point()]))


def test_the_identity_is_of_weights_and_engine():
    one, two = (Builder(np.random.default_rng(seed), (6, 6, 3)).conv(8, (3, 3)).graph()
                for seed in (1, 2))  # fmt: skip
    assert identity(one, "model") == identity(one, "model")
    assert identity(one, "model")["network_hash"] != identity(two, "model")["network_hash"]
    assert identity(open_network("mnist"), "model") == identity(open_network("mnist"), "model")


def stuck(graph, engine, point):
    """Evaluate a point, or never come to an end: at a known place, however fast the machine is."""
    while point.batch == 4:
        time.sleep(1)
    return evaluate.evaluate(graph, engine, point)


#: `accel` with the workers above; they import this module.  A shell starts what runs in its
#: background with SIGINT ignored, and Python leaves that so: Ctrl-C is what is tested here.
_STUCK = """
import functools
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from accel.cli import main
from accel.dse import sweep
from tests.dse.test_sweep import stuck
sweep.Processes = functools.partial(sweep.Processes, work=stuck)
main()
"""


def test_an_interrupted_sweep_continues(network, tmp_path):
    arguments = ["sweep", "mnist", "--array", "4x4,8x8", "--bus-bytes", "4,8", "--latency",
                 "16,32,64", "--batch", "1,4", "--jobs", "1", "--out", tmp_path]  # fmt: skip
    journal = tmp_path / "journal.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", _STUCK, *map(str, arguments)], stderr=subprocess.PIPE, text=True,
    ) as running:
        # The first group of points that share a program; the one behind them never ends.
        while not journal.exists() or journal.read_text().count("\n") < 3:
            assert running.poll() is None, running.stderr.read()
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()
    assert running.returncode == 130, said
    assert "interrupted; the same command continues" in said
    kept = journal.read_text()
    finished = pyarrow.parquet.read_table(tmp_path / "results.parquet").num_rows
    assert finished == len(kept.splitlines()) == 3
    done = call(*arguments)
    assert "24 points, 0 failed" in done.output
    assert journal.read_text().startswith(kept)
    assert pyarrow.parquet.read_table(tmp_path / "results.parquet").num_rows == 24


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command(tmp_path):
    done = call("sweep", "mnist", "--array", "8x8,16x16", "--bus-bytes", "16,512", "--jobs", 1,
                "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "4 points, 2 failed" in done.output
    assert done.output.count("failed: ParamError: bus_bytes must be a power of two") == 1
    assert (tmp_path / "pareto.png").stat().st_size > 10_000
    assert pyarrow.parquet.read_table(tmp_path / "results.parquet").num_rows == 4


def test_every_kind_of_failure_is_told(tmp_path):
    done = call("sweep", "mnist", "--array", "8x8", "--bus-bytes", "3,5,6,7,9,10,16", "--jobs", 1,
                "--out", tmp_path)  # fmt: skip
    told = [line for line in done.output.splitlines() if line.startswith("failed: ")]
    assert len(told) == 6
    assert all(f"not {size}" in line for size, line in zip((3, 5, 6, 7, 9), told, strict=False))
    assert told[-1] == "failed: 1 more errors, see results.parquet"
    assert "7 points, 6 failed" in done.output


def test_a_picture_that_cannot_be_written(tmp_path):
    (tmp_path / "pareto.png").mkdir()
    done = call("sweep", "mnist", "--array", "8x8", "--jobs", 1, "--out", tmp_path)
    assert done.exit_code == 3
    (line,) = done.output.splitlines()
    assert line.startswith("Error: ") and "pareto.png" in line
    assert pyarrow.parquet.read_table(tmp_path / "results.parquet").num_rows == 1


def test_table_file_and_plot_of_a_shared_folder_show_the_same_points(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("accel.report.pareto.draw", lambda rows, *_: drawn.append(rows))
    for array, bus, points in (("8x8", "16,32", 2), ("4x4,16x16", "16", 4), ("8x8", "16", 4)):
        done = call("sweep", "mnist", "--array", array, "--bus-bytes", bus, "--jobs", 1,
                    "--out", tmp_path)  # fmt: skip
        kept = pyarrow.parquet.read_table(tmp_path / "results.parquet").to_pylist()
        assert len(kept) == len(drawn[-1]) == points
        assert drawn[-1] == kept
        assert f"mnist: {points} points, engine model: those that nothing beats" in done.output
        front = {f"{row['rows']}x{row['cols']}" for row in kept if row["pareto"]}
        table = {line.split()[0] for line in done.output.splitlines()
                 if re.match(r" *\d+x\d+ ", line)}  # fmt: skip
        assert table == front
    assert f"1 points, 0 failed; results in {tmp_path}, with 3 of other commands" in done.output


def test_a_sweep_of_points_that_cannot_be_evaluated(tmp_path, monkeypatch):
    """Not the user's fault, and so not the user's code."""
    monkeypatch.setattr("accel.dse.sweep.Processes", Broken)
    done = call("sweep", "mnist", "--array", "8x8", "--out", tmp_path)
    assert done.exit_code == 3
    assert "every point failed" in done.output


class Broken:
    """Workers that die."""

    def __init__(self, *_):
        pass

    def run(self, points):
        for point in points:
            yield point, failure("its process died with code -9")


def test_a_sweep_in_which_everything_fails(tmp_path):
    done = call("sweep", "mnist", "--array", "8x8", "--bus-bytes", "3", "--out", tmp_path)
    assert done.exit_code == 2
    assert "every point failed" in done.output


def test_a_scheduler_where_nothing_listens(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra `sweep` is not installed")
    monkeypatch.setattr("accel.dse.cluster.PATIENCE", 1)
    done = call("sweep", "mnist", "--scheduler", "tcp://127.0.0.1:9", "--out", tmp_path)
    assert done.exit_code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9 within 1 s" in done.output


def test_a_machine_that_is_too_small_is_told_of(tmp_path):
    large = Builder(np.random.default_rng(1), (40, 40, 1)).conv(1, (30, 30)).graph()
    (row,) = sweep(large, [Point(4, 4, input_bytes=512, bus_bytes=8)], tmp_path)
    assert row["status"] == "failed"
    assert row["error"].startswith("CompileError: conv0: input buffer too small for one row")
    assert row["error"].endswith("needs at least 900 bytes, input_bytes is 512")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["mnist", "--latency", "1,x"], "must be whole numbers with commas between, not 'x'"),
        (["mnist", "--array", "8x8,8"], "array must be RxC"),
        (["absent.onnx"], "absent.onnx"),
    ],
)
def test_mistakes(tmp_path, arguments, words):
    done = call("sweep", *arguments, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert words in done.output
