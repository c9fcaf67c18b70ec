"""Small networks of the kinds that people use (tests/data/zoo), from file to the RTL."""

import numpy as np
import onnx
import pytest

import accel
from accel import frontend, golden, onnx_session
from accel.estimate import estimate
from accel.frontend.coverage import missing
from accel.graph import ports
from accel.graph.ir import External
from accel.graph.macs import graph_macs
from tests.support.zoo_sample import DATA, images, paths

ARRAY = (4, 4)
#: The machine's share of the MACs, where it is not all: attention multiplies what it computes.
SHARES = {"vit.dynamo.u8": 0.86}
#: Networks in which the host has layers, even if few MACs.
HOSTED = ("convnext", "vit")


def name_of(path) -> str:
    return path.name.removesuffix(".onnx")


def images_of(path) -> np.ndarray:
    """A network's images, for the shape of its input."""
    [given] = onnx.load(path).graph.input
    return images([dim.dim_value for dim in given.type.tensor_type.shape.dim][1:])


@pytest.fixture(params=paths(), ids=name_of)
def path(request):
    return request.param


def test_the_machines_share(path):
    graph = frontend.load(path)
    parts = [node for node in graph.nodes if isinstance(node, External)]
    machine, host = graph_macs(graph), sum(part.macs for part in parts)
    share = SHARES.get(name_of(path), 1.0)
    assert share <= machine / (machine + host) <= share + 0.01
    if not path.name.startswith(HOSTED):
        assert not missing(graph)


def test_bytes_are_onnx_runtimes(path):
    """In all forms, QOperator's as well as those in which ONNX Runtime computes parts in float."""
    given, session = images_of(path), onnx_session.session(path)
    graph = frontend.load(path)
    actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, [given])))
    [name] = [value.name for value in session.get_inputs()]
    answers = zip(*(session.run(None, {name: image[None]}) for image in given), strict=True)
    for ours, theirs in zip(actual, map(np.concatenate, answers), strict=True):
        assert len(np.unique(theirs)) > 20
        np.testing.assert_array_equal(ours, theirs)


def test_on_the_rtl(path):
    """Every byte of every layer as the golden model, every counter as the cycle model."""
    given = images_of(path)
    report = accel.run(str(path), given[:2], array=ARRAY, batch=2).report
    assert report["total"]["mismatches"] == 0
    predicted = estimate(str(path), array=ARRAY, batch=2, images=2)
    assert report["total"]["cycles"] == predicted["total"]["cycles"]


def test_files_are_small_and_name_no_place():
    found = sorted(DATA.glob("*.onnx"))
    assert found == sorted(paths())
    for path in found:
        content = path.read_bytes()
        assert len(content) < 200_000
        assert b"site-packages" not in content
        assert b"/home" not in content
