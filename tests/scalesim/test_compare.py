import json

import click.testing
import numpy as np
import pytest

from accel import golden
from accel.cli import main
from accel.compiler import CompileError, compile_graph
from accel.dse.engines import predict
from accel.graph.check import check
from accel.params import Params
from accel.scalesim import Layer, compare, machine
from accel.sim.engine import Memory

PARAMS = Params(rows=8, cols=8)
LAYERS = [
    Layer("odd", 12, 11, (3, 5), 6, 10, (2, 2)),
    Layer("small", 3, 3, (3, 3), 16, 8),
    Layer("plain", 10, 10, (1, 1), 16, 8),
    Layer("DP", 8, 8, (3, 3), 8, 1, depthwise=True),
]


@pytest.fixture(scope="module")
def rows():
    return {row["name"]: row for row in compare(LAYERS, PARAMS, predict)}


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_is_a_sound_network(layer, same):
    graph = machine.graph(layer, same)
    check(graph)
    tensor = graph.tensors["input"]
    result = golden.run(graph, np.ones((1, *tensor.shape), np.int8))["output"]
    assert result.shape[1:3] == machine.output_size(layer, same)
    if same:
        assert result.shape[1] == -(-layer.height // layer.strides[0])


def test_the_causes_add_up(rows):
    for name in ("odd", "small", "plain"):
        row = rows[name]
        here = row["machine"]
        assert sum(row["why"].values()) == row["scalesim"]["ws"] - here["cycles"]
        assert here["cycles"] == here["busy"] + sum(here["idle"].values())


def test_known_causes(rows):
    # Rounding up: 6 x 4 instead of 5 x 4 pixels, for ceil(90 / 8) * ceil(10 / 8) folds.
    assert rows["odd"]["why"]["windows"] == 12 * 2 * (24 - 20)
    # One pixel: the weights of a tile take longer to load than it streams.
    assert rows["small"]["why"]["weight"] < 0
    assert rows["plain"]["why"]["windows"] == 0
    assert rows["DP"]["why"] == {} and rows["DP"]["copies"] == 8


def test_padding_means_more_pixels(rows):
    assert rows["odd"]["machine"]["pixels"] == 5 * 4
    assert rows["odd"]["padded"]["pixels"] == 6 * 6
    assert rows["odd"]["padded"]["cycles"] > rows["odd"]["machine"]["cycles"]
    assert rows["plain"]["padded"] == rows["plain"]["machine"]


def test_a_layer_that_cannot_run_here_says_why():
    def refuse(graph, params):
        raise CompileError(f"{graph.name}: too large")

    (row,) = compare(LAYERS[:1], PARAMS, refuse)
    assert row["machine"]["error"] == "odd: too large"
    assert row["why"] == {} and row["scalesim"]["ws"] > 0


def test_the_prediction_is_the_programs(rows):
    program = compile_graph(machine.graph(LAYERS[0], False), PARAMS, 1)
    assert sum(layer.macs for layer in program.layers) == rows["odd"]["machine"]["macs"]
    slow = predict(machine.graph(LAYERS[0], False), PARAMS, Memory(latency_cycles=500))
    assert slow["cycles"] > rows["odd"]["machine"]["cycles"]


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command(tmp_path):
    (tmp_path / "n.csv").write_text("Layer, IH, IW, FH, FW, C, F, S,\nfirst,8,8,3,3,4,4,1,\n")
    (tmp_path / "n.cfg").write_text(
        "[architecture_presets]\nArrayHeight: 4\nArrayWidth: 8\nDataflow: os\n"
    )
    arguments = ["estimate", "--scalesim", tmp_path / "n.csv", "--scalesim-config",
                 tmp_path / "n.cfg", "--out", tmp_path]  # fmt: skip
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    # 36 pixels, 36 multiplications, 4 filters on 4x8: 9 row blocks, 9 K tiles.
    cells = ["first", "36", "36", "4", str(9 * (36 + 10) - 1), str(9 * (36 + 14) - 1)]
    (line,) = (line for line in done.output.splitlines() if line.split()[:1] == ["first"])
    assert line.split()[: len(cells)] == cells
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["array"] == {"rows": 4, "cols": 8}
    assert report["total"]["machine"]["cycles"] == report["layers"][0]["machine"]["cycles"]
    done = call(*arguments, "--array", "16x16")
    assert "this machine, 16x16 array" in done.output


def test_an_array_of_the_configuration_that_cannot_be_built(tmp_path):
    (tmp_path / "n.csv").write_text("Layer, IH, IW, FH, FW, C, F, S,\nfirst,8,8,3,3,4,4,1,\n")
    (tmp_path / "n.cfg").write_text(
        "[architecture_presets]\nArrayHeight: 7\nArrayWidth: 8\nDataflow: os\n"
    )
    done = call("estimate", "--scalesim", tmp_path / "n.csv", "--scalesim-config",
                tmp_path / "n.cfg")  # fmt: skip
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert "n.cfg: ArrayHeight and ArrayWidth: rows must be a power of two" in line


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--scalesim", "absent.csv"], "absent.csv: cannot be read"),
        ([], "give either NETWORK or --scalesim"),
        (["mnist", "--scalesim", "x.csv"], "give either NETWORK or --scalesim"),
    ],
)
def test_mistakes(arguments, words):
    done = call("estimate", *arguments)
    assert done.exit_code == 2
    assert words in done.output
