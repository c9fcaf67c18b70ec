"""Random networks of all operators: a sample of tests/support/graph_campaign.py."""

import sys

import pytest

from tests.support import litert
from tests.support.graph_campaign import Job, check
from tests.support.random_graphs.check import DRAW

#: Networks of each format, always the same ones: a failure must repeat.
QUICK, SEED = 15, 11


def cases(format_: str, number: int, folder):
    """The campaign's jobs of a network."""
    if format_ == "tflite":
        litert.need()
    case = DRAW[format_](SEED, number)
    assert case.steps
    for stage in ("oracle", "4x4"):
        yield check(Job(format_, SEED, number, stage), case, folder)


@pytest.mark.parametrize("number", range(QUICK))
@pytest.mark.parametrize("format_", DRAW)
def test_a_network(format_, number, tmp_path):
    """Golden model as the oracle, every byte and counter of the RTL as predicted."""
    oracle, machine = cases(format_, number, tmp_path)
    assert not oracle.wrong and not machine.wrong
    assert oracle.exact or oracle.near
    assert machine.cycles or not oracle.nodes


@pytest.mark.parametrize("format_", DRAW)
def test_networks_are_drawn_alike_again(format_):
    """And the first steps of a network are those of a shorter one."""
    if format_ == "tflite":
        litert.need()
    one, again, shorter = (DRAW[format_](SEED, 1, most) for most in (99, 99, 2))
    assert one.content == again.content and one.steps == again.steps
    assert shorter.steps == one.steps[: len(shorter.steps)] and len(shorter.steps) == 2


def test_a_fault_is_found(tmp_path, monkeypatch):
    """A golden model that is wrong in a byte of a convolution."""
    case, job = DRAW["onnx"](SEED, 2), Job("onnx", SEED, 2, "oracle")
    assert not check(job, case, tmp_path).wrong
    running = sys.modules["accel.golden.run"]  # golden.run is the function in it
    compute = running.compute

    def spoilt(graph, node, *rest, **others):
        made = compute(graph, node, *rest, **others)
        if node.op in ("conv2d", "max_pool", "average_pool"):
            made = made.copy()
            made.flat[0] ^= 64
        return made

    monkeypatch.setattr(running, "compute", spoilt)
    assert check(job, case, tmp_path).wrong
