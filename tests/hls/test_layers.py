"""Every kind of layer in C++ against the golden model, with random options."""

import numpy as np
import pytest

from accel import hls
from accel.graph.check import check as graph_check
from accel.graph.ir import Conv, Graph, GraphError, MaxPool, Min, Port, Requant, Reshape, Tensor
from accel.hls.check import check
from accel.isa import FLOATS, Rounding
from accel.quant import FLOAT_UNIT
from tests.hls.support import compiler, strict, together
from tests.support import graphs, networks


def compare(graph: Graph, folder, rng, images=2) -> dict:
    """Export a network, compile it, any warning an error; no byte of any layer may differ."""
    inputs = [graphs.random_images(rng, graph.tensors[port.tensor].shape, images)
              for port in graph.inputs]
    report = hls.export(graph, folder, inputs, limit=images, checked=False)
    found = check(folder, len(report["layers"]), compiler(), ("-Werror", *strict()))
    differing = dict(zip((row["name"] for row in report["layers"]), found.differing, strict=True))
    assert not {name: count for name, count in differing.items() if count}
    assert len(differing) == len(graph.nodes)
    return report


def test_layers_with_weights(tmp_path):
    rng = np.random.default_rng(1)
    made = [graphs.random_conv(rng) for _ in range(30)]
    made += [graphs.random_fully_connected(rng) for _ in range(6)]
    nodes = [graph.nodes[0] for graph in made]
    for option in (
        lambda node: node.groups > 1 and node.weights.shape[3] > 1,
        lambda node: node.groups > 1 and node.weights.shape[3] == 1,
        lambda node: node.dilation[0] > 1 and node.weights.shape[1] > 1,
        lambda node: len(set(node.padding)) == 4,
        lambda node: node.stride[0] > node.weights.shape[1],
        lambda node: (node.requant.lo, node.requant.hi) != (-128, 127),
    ):
        assert any(map(option, nodes))
    assert {node.requant.rounding for node in nodes} == set(Rounding)
    compare(together(made), tmp_path / "out", rng)


def test_layers_without_weights(tmp_path):
    rng = np.random.default_rng(2)
    made = [graphs.random_pool(rng, kind) for kind in ("max", "average") for _ in range(14)]
    makers = (graphs.random_add, graphs.random_sub, graphs.random_mul, graphs.random_extreme,
              lambda rng: graphs.random_extreme(rng, Min), graphs.random_concat,
              graphs.random_table, graphs.random_pad, graphs.random_slice, graphs.random_assemble)
    made += [make(rng) for make in makers for _ in range(6)]
    made.append(graphs.reshape((2, 3, 4), (1, 1, 24)))
    pools = [graph.nodes[0] for graph in made[:28]]
    assert any(len(node.table) > 3 for node in pools[14:])
    assert {node.rounding for node in pools[14:]} == set(Rounding)
    assert any((node.lo, node.hi) != (-128, 127) for node in pools[:12])
    compare(together(made), tmp_path / "out", rng)


def _requantisers(rng, rounding: Rounding, channels=400) -> Graph:
    """A layer whose sums are its biases, with any factor that goes with them."""
    shift = rng.integers(-31, 31, channels)
    multiplier = rng.integers(1 << 30, 1 << 31, channels)
    multiplier[0] = 0
    room = 31 if rounding in FLOATS else 31 - np.maximum(shift, 0)
    if rounding in FLOATS:
        multiplier &= -FLOAT_UNIT
    # Some as large as they may be, some just as large as gives a small result.
    bits = np.where(rng.random(channels) < 0.3, room, np.minimum(room, np.maximum(7 - shift, 0)))
    top = (1 << bits) - 1
    bias = rng.integers(-top, top + 1)
    # Ties: a whole number and a half, times the inverse of a power of two.
    ties = slice(1, channels // 4)
    multiplier[ties], shift[ties] = 1 << 30, rng.integers(-12, 1, channels)[ties]
    bias[ties] = (2 * rng.integers(-60, 60, channels) + 1)[ties] << -shift[ties]
    need = Requant(multiplier.astype(np.int32), shift.astype(np.int8), 3, rounding=rounding)
    node = Conv("requantise", "fully_connected", "in", "out",
                np.zeros((channels, 1, 1, 1), np.int8), bias.astype(np.int32), need)
    return graphs.single(node, Tensor("in", (1, 1, 1), 1.0, 0), zero_point=3)


def test_every_rounding_over_its_whole_range(tmp_path):
    rng = np.random.default_rng(3)
    made = [_requantisers(rng, rounding) for rounding in Rounding for _ in range(3)]
    report = compare(together(made), tmp_path / "out", rng, images=1)
    expected = np.fromfile(tmp_path / "out" / "expected.bin", np.int8)
    assert len(expected) == 400 * len(report["layers"])
    assert len(np.unique(expected)) > 200  # not only clamped


def _checked(make, rng) -> Graph:
    """A random network; windows that end behind the padding are not for an importer's graph."""
    while True:
        try:
            return graph_check(make(rng))
        except GraphError:
            continue


def test_networks_that_use_memory_again(tmp_path):
    rng = np.random.default_rng(4)
    made = [networks.residual(rng, 8, 4), networks.inception(rng, 5, (3, 4, 2)),
            networks.mobile(rng, 9, 4, 2)]
    kinds = networks.random_network, networks.random_window_network
    made += [_checked(make, rng) for make in kinds for _ in range(4)]
    compare(together(made), tmp_path / "out", rng, images=3)


def test_outputs_that_are_views_and_inputs_and_read_again(tmp_path):
    """`a` is an output and read again; `flat` is the same bytes; `in` comes out as it went in."""
    tensors = {
        name: Tensor(name, shape, 1.0, 0)
        for name, shape in {
            "in": (4, 4, 2), "a": (2, 2, 2), "flat": (1, 1, 8), "b": (1, 1, 2), "whole": (1, 1, 32),
        }.items()
    }  # fmt: skip
    nodes = (
        Reshape("view", "in", "whole"),
        MaxPool("half", "in", "a", (2, 2), (2, 2)),
        Reshape("flatten", "a", "flat"),
        MaxPool("one", "a", "b", (2, 2), (2, 2)),
    )
    tensors["b"] = Tensor("b", (1, 1, 2), 1.0, 0)
    names = ("b", "flat", "a", "whole")
    graph = Graph("views", tensors, nodes, (Port("in", "in", (4, 4, 2), "HWC", "int8"),),
                  tuple(Port(name, name, tensors[name].shape, "HWC", "int8") for name in names))
    rng = np.random.default_rng(5)
    report = compare(graph, tmp_path / "out", rng)
    assert report["bytes"]["output"] == 2 + 8 + 8 + 32
    assert report["bytes"]["memory"] == 0


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("value < 0 ? value - 1 : value", "value"),
        ("std::rint(", "std::round("),
        ("- L::in_zero) * tap", ") * tap"),
        ("<= iy &&", "< iy &&"),
        ("int8_t largest = -128", "int8_t largest = 0"),
        ("1 << 20", "1 << 19"),
    ],
)
def test_a_mistake_in_a_layer_is_seen(tmp_path, right, wrong):
    rng = np.random.default_rng(6)
    made = [graphs.random_conv(rng) for _ in range(6)] + [networks.residual(rng, 6, 4)]
    made += [graphs.random_pool(rng, "max") for _ in range(3)]
    made += [_requantisers(rng, rounding) for rounding in (*FLOATS, Rounding.AWAY)]
    graph = together(made)
    inputs = [graphs.random_images(rng, graph.tensors[port.tensor].shape, 1)
              for port in graph.inputs]
    report = hls.export(graph, tmp_path / "out", inputs, checked=False)
    library = tmp_path / "out" / "layers.h"
    text = library.read_text()
    assert right in text
    library.write_text(text.replace(right, wrong))
    assert sum(check(tmp_path / "out", len(report["layers"]), compiler(), ("-O0",)).differing)
