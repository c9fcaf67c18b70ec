"""Random networks of all operators: a sample of tests/support/graph_campaign.py."""

import pytest

from accel import golden
from tests.support import litert
from tests.support.graph_campaign import Job, check
from tests.support.random_graphs import check as checking
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


@pytest.mark.parametrize("stage", ["oracle", "4x4"])
def test_a_wrong_byte_is_found(stage, tmp_path, monkeypatch):
    """Of a golden model that spoils one in every image's outputs."""
    case, job, run = DRAW["onnx"](SEED, 2), Job("onnx", SEED, 2, stage), golden.run
    assert not check(job, case, tmp_path).wrong

    def spoilt(graph, images):
        tensors = run(graph, images)
        for port in graph.outputs:
            tensors[port.tensor] = tensors[port.tensor].copy()
            tensors[port.tensor][..., 0] ^= 64
        return tensors

    monkeypatch.setattr(golden, "run", spoilt)
    faults = check(job, case, tmp_path).wrong
    assert faults and all("differ" in fault for fault in faults)


def test_a_wrong_counter_is_found(tmp_path, monkeypatch):
    """Of a cycle model that counts a cycle too many."""
    case, job, predict = DRAW["onnx"](SEED, 2), Job("onnx", SEED, 2, "4x4"), checking.predict

    def late(*arguments, **options):
        total, marks = predict(*arguments, **options)
        return total | {"cycles": total["cycles"] + 1}, marks

    monkeypatch.setattr(checking, "predict", late)
    [fault] = check(job, case, tmp_path).wrong
    assert fault.startswith("total: cycles is ")
