"""What the page says of a pixel: of convolutions, tables and poolings, fused or alone."""

import numpy as np
import pytest

from accel import golden
from accel.graph.ir import Graph, Min, Port, Sub
from accel.page import bundle, check, network
from tests.page.support import MACHINE, browser, module, opened, subject
from tests.support.networks import Builder


def lone() -> network.Network:
    """Poolings alone and behind convolutions, padded ones too."""
    rng = np.random.default_rng(3)
    net = Builder(rng, (15, 14, 3))
    net.pool("max", (3, 2), (2, 1), (1, 1, 1, 0))
    net.pool("average", (2, 3), (1, 2), (0, 1, 1, 1))
    net.conv(4, (2, 2)).pool("max", (2, 2), (1, 1)).pool("max", (2, 2), (1, 1))
    net.conv(6, (1, 1)).pool("average", (2, 2), (2, 1), (0, 0, 1, 0), ceil=True)
    last = net.last
    graph = Graph("lone", net.tensors, tuple(net.nodes), (Port("image", "input", (15, 14, 3), "HWC",
                  "int8"),), (Port("out", last.name, last.shape, "HWC", "int8"),))  # fmt: skip
    program = network.compiled(graph, MACHINE.params)
    images = rng.integers(-128, 128, (2, 15, 14, 3)).astype(np.int8)
    return network.Network(graph, program, MACHINE, images, None, (-128.0, 127.0))


def pairs() -> network.Network:
    """Every element-wise operator on two tensors, once with a gate of one pixel."""
    rng = np.random.default_rng(4)
    net = Builder(rng, (9, 8, 3))
    first = net.conv(5, (2, 2)).last
    net.add(first).add(first, Sub).mul(first).extreme(first).extreme(first, Min)
    image = net.last
    gate = net.conv(5, (8, 7)).last
    net.last = image
    net.mul(gate)
    last = net.last
    graph = Graph("pairs", net.tensors, tuple(net.nodes), (Port("image", "input", (9, 8, 3), "HWC",
                  "int8"),), (Port("out", last.name, last.shape, "HWC", "int8"),))  # fmt: skip
    program = network.compiled(graph, MACHINE.params)
    images = rng.integers(-128, 128, (2, 9, 8, 3)).astype(np.int8)
    return network.Network(graph, program, MACHINE, images, None, (-128.0, 127.0))


#: What must be explained, by the layer's operators.
SUBJECTS = {
    "notes": {"conv2d+sigmoid+max_pool", "fully_connected+sigmoid"},
    "lone": {"max_pool", "average_pool", "conv2d+max_pool", "conv2d+average_pool"},
    "pairs": {"add", "sub", "mul", "max", "min"},
    "resnet8": {"add", "average_pool"},
}
MADE = {"lone": lone, "pairs": pairs}


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.mark.parametrize("name", [
    *[one for one in SUBJECTS if one != "resnet8"],
    pytest.param("resnet8", marks=pytest.mark.campaign),  # a large one, of the same operators
])  # fmt: skip
def test_every_pixel_is_explained_as_golden_computed_it(chromium, tmp_path, name):
    ours = MADE[name]() if name in MADE else subject(name)
    found = check.check(ours, module())
    described = network.described(ours, module()) | {"check": found}
    (tmp_path / "page.html").write_text(bundle.bundle(described, module().code))
    page = opened(chromium, tmp_path / "page.html")
    right = golden.run(ours.graph, {ours.graph.inputs[0].tensor: ours.images[:1]})
    explained = set()
    for number, layer in enumerate(ours.program.layers):
        if not described["layers"][number]["explained"]:
            continue
        explained.add(layer.op)
        values = right[layer.output][0]
        places = list(np.ndindex(*values.shape))
        step = max(1, len(places) // 15)
        got = page.evaluate(
            """([number, places]) => places.map(([y, x, c]) =>
                explained(page.stepper.done.space, about.layers[number], y, x, c).byte)""",
            [number, places[::step]],
        )
        assert got == [int(values[place]) for place in places[::step]], layer.name
        page.locator(f"#layer-{number} canvas.maps").click(position={"x": 2, "y": 2})
        assert page.locator("#pixel-what").get_attribute("data-same") == "true"
    assert explained >= SUBJECTS[name]
    assert page.problems == []
    page.close()


def test_a_fused_table_and_a_lone_pooling_are_told(chromium, tmp_path):
    texts = {}
    for ours in (subject("notes"), lone()):
        described = network.described(ours, module()) | {"check": check.check(ours, module())}
        file = tmp_path / f"{ours.graph.name}.html"
        file.write_text(bundle.bundle(described, module().code))
        page = opened(chromium, file)
        for number, layer in enumerate(ours.program.layers):
            page.locator(f"#layer-{number} canvas.maps").click(position={"x": 2, "y": 2})
            texts[layer.op] = page.inner_text("#pixel-body")
        assert page.problems == []
        page.close()
    told = texts["conv2d+sigmoid+max_pool"]
    assert "of a table of 256" in told and "The largest of 4" in told and "(bias)" in told
    assert "bytes of the layer's input" in texts["max_pool"] and "(bias)" not in texts["max_pool"]
    assert "The average of" in texts["average_pool"]
    assert "what lies outside does not count" in texts["average_pool"]


def test_layers_of_other_kinds_are_not_explained():
    net = Builder(np.random.default_rng(5), (6, 6, 3))
    net.conv(4, (2, 2)).pad(1, 0, 0, 1)
    graph = net.graph()
    program = network.compiled(graph, MACHINE.params)
    described = network.described(
        network.Network(graph, program, MACHINE, np.zeros((1, 6, 6, 3), np.int8), None, (0.0, 1.0)),
        module(),
    )
    told = {one["op"]: one["explained"] for one in described["layers"]}
    assert told == {"conv2d": True, "pad": False}
