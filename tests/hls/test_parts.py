"""Names as identifiers, and tensors in memory."""

import dataclasses

import numpy as np
import pytest

from accel import hls
from accel.graph.check import check as checked
from accel.graph.ir import Graph, GraphError, Port, Reshape, Table, Tensor
from accel.hls.check import check
from accel.hls.names import comment, identifier, unique
from accel.hls.network import describe
from accel.hls.plan import ALIGN, pack
from accel.sim.engine import SimulationError
from tests.hls.support import compiler, together
from tests.support import graphs, networks


@pytest.mark.parametrize(
    "text, name",
    [
        ("conv1", "conv1"), ("a/b:0", "a_b_0"), ("5c_add", "n5c_add"), ("__x__", "x"),
        ("int", "n_int"), ("EOF", "n_EOF"), ("A", "n_A"), ("", "unnamed"), ("\u00e9t\u00e9", "t"),
        ("--", "unnamed"),
    ],
)  # fmt: skip
def test_identifier(text, name):
    assert identifier(text) == name


def test_different_names_stay_different():
    texts = {"a/b": "x", "a.b": "x", "a_b_2": "x", "size": "x", "q" * 100: "conv2d_5"}
    assert list(unique(texts, {"size"}).values()) == ["a_b", "a_b_2", "a_b_2_2", "size_2",
                                                      "conv2d_5"]  # fmt: skip


def test_comments_end_where_they_should():
    assert comment("a\nb\\") == "a_b_"
    assert comment("*/ ??/ \u2028") == "_/ __/ _"
    assert len(comment("x" * 1000)) == 48


def test_any_names_compile(tmp_path):
    """Names that would be C++, or break it, if they were taken as they are."""
    texts = ["int", "output", "a\nb", '"); } //', "net", "layers", "conv\\", "??/", "std",
             "in_zero", "x" * 300, "main", "input", "memory", "NULL", "rounding", "Rounding",
             "input_bytes"]
    rng = np.random.default_rng(1)
    graph = together([graphs.random_pool(rng, "max") for _ in texts], "int main??/\n\\")
    nodes = [dataclasses.replace(node, name=text)
             for node, text in zip(graph.nodes, texts, strict=True)]
    graph = dataclasses.replace(graph, nodes=tuple(nodes))
    inputs = [graphs.random_images(rng, graph.tensors[port.tensor].shape, 1)
              for port in graph.inputs]
    hls.export(graph, tmp_path / "out", inputs, checked=False)
    assert check(tmp_path / "out", len(texts), compiler()).differing == [0] * len(texts)


def test_what_a_network_does_not_use(tmp_path):
    """A pool alone needs neither weights nor parameters nor memory; unused arguments would warn."""
    rng = np.random.default_rng(1)
    graph = graphs.random_pool(rng, "max")
    hls.export(graph, tmp_path / "out", checked=False)
    text = (tmp_path / "out" / "network.cpp").read_text()
    assert [port for port in ("input", "weights", "parameters", "memory", "output")
            if f"(void){port};" in text] == ["weights", "parameters", "memory"]
    assert check(tmp_path / "out", 1, compiler()).differing == [0]


def test_blocks_that_live_together_lie_apart():
    rng = np.random.default_rng(1)
    for _ in range(50):
        count = int(rng.integers(1, 20))
        names = [str(n) for n in range(count)]
        sizes = {name: int(rng.integers(1, 500)) for name in names}
        lives = {name: tuple(sorted(rng.integers(0, 12, 2).tolist())) for name in names}
        offsets, end = pack(sizes, lives)
        assert end == max(offsets[name] + sizes[name] for name in names)
        for step in range(12):
            alive = sorted((offsets[name], sizes[name]) for name in names
                           if lives[name][0] <= step <= lives[name][1])
            for (low, size), (high, _) in zip(alive, alive[1:], strict=False):
                assert low + size <= high
        assert not any(offset % ALIGN for offset in offsets.values())


def test_a_chain_needs_its_two_largest_neighbours():
    sizes = {"a": 640, "b": 1280, "c": 64, "d": 1920, "e": 64}
    lives = {name: (n, n + 1) for n, name in enumerate(sizes)}
    _, end = pack(sizes, lives)
    assert end == 1984
    assert pack({}, {}) == ({}, 0)


def test_a_residual_block_keeps_what_is_added_later():
    net = describe(networks.residual(np.random.default_rng(1), 8, 4))
    node = next(node for node in net.part.nodes if node.op == "add")
    places = [net.plan.places[name] for name in (*node.inputs, node.output)]
    assert len({place.offset for place in places}) == 3
    total = sum(net.part.graph.tensors[node.output].size for node in net.part.nodes)
    assert net.plan.sizes["memory"] < total / 2


def test_a_network_called_like_the_testbench_s_own_things(tmp_path):
    for name in ("expected", "layer", "net", "network", "table"):
        graph = dataclasses.replace(graphs.random_table(np.random.default_rng(2)), name=name)
        hls.export(graph, tmp_path / name, checked=False)
        assert check(tmp_path / name, 1, compiler()).differing == [0]


def ports(*pairs) -> tuple[Port, ...]:
    return tuple(Port(name, tensor.name, tensor.shape, "HWC", "int8") for name, tensor in pairs)


def test_an_input_that_is_an_output_is_compared(tmp_path):
    """It is no layer's, so no row tells of it."""
    a, b = (Tensor(name, (3, 4, 5), 0.5, 3) for name in "ab")
    node = Table("t", "a", "b", np.arange(-128, 128).astype(np.int8))
    graph = Graph("net", {"a": a, "b": b}, (node,), ports(("x", a)), ports(("y", b), ("z", a)))
    folder = tmp_path / "out"
    hls.export(checked(graph), folder, checked=False)
    assert check(folder, 1, compiler()).differing == [0]
    text = (folder / "network.cpp").read_text()
    copy = next(line for line in text.splitlines() if "layers::copy" in line)
    (folder / "network.cpp").write_text(text.replace(copy, ""))
    with pytest.raises(SimulationError, match="an output that is an input has other bytes"):
        check(folder, 1, compiler())


def test_a_network_without_layers_is_refused():
    a, b = Tensor("a", (1, 1, 4), 1.0, 0), Tensor("b", (1, 1, 4), 1.0, 0)
    graph = Graph("none", {"a": a}, (), ports(("x", a)), ports(("y", a)))
    with pytest.raises(GraphError, match="none: the network must have a layer .*not no layer"):
        describe(graph)
    graph = Graph("moved", {"a": a, "b": b}, (Reshape("r", "a", "b"),), ports(("x", a)),
                  ports(("y", b)))  # fmt: skip
    assert [layer.node.name for layer in describe(graph).layers] == ["r"]
