"""Layers whose results stay on the chip, on the RTL: every byte, and every counter predicted."""

import numpy as np
import pytest

from accel import golden
from accel.compiler import compile_graph
from accel.graph.ir import Conv
from tests.support import witnesses
from tests.support.chain_campaign import CHAINED, check_chain, draw_chain, fewest, near
from tests.support.chain_page import page
from tests.support.random_chains import random_chain

#: Chains of the quick sample, always the same ones: a failure must repeat.
QUICK, SEED = 16, 11
#: A small one and, twice, one that has room for more.
MACHINES = CHAINED[1], CHAINED[0], CHAINED[1]


def test_the_quick_sample_has_some():
    drawn = [draw_chain(SEED, number, MACHINES)[1:] for number in range(QUICK)]
    stay = [near(compile_graph(graph, params, batch)) for params, graph, batch in drawn]
    assert sum(map(bool, stay)) >= QUICK // 3


@pytest.mark.parametrize("number", range(QUICK))
def test_random_chains(number):
    found = check_chain(SEED, number, "auto", MACHINES)
    assert not found.wrong, f"seed {SEED} chain {number}: {found}"


def test_a_chain_that_fails_comes_with_the_fewest_layers_that_do(monkeypatch):
    """A golden model that is wrong from the third layer on."""
    spoil = golden.run

    def run(graph, images):
        tensors = spoil(graph, images)
        for node in graph.nodes[2:]:
            tensors[node.output] = tensors[node.output] + np.int8(1)
        return tensors

    monkeypatch.setattr(witnesses.golden, "run", run)
    number = next(number for number in range(99) if len(draw_chain(SEED, number)[2].nodes) == 4)
    layers, found = fewest(SEED, number, "auto", MACHINES)
    assert layers == len(found.nodes) == 3 and "bytes" in found.wrong[0]


def test_the_page_says_what_was_drawn_and_what_failed():
    found = {number: check_chain(SEED, number, "auto", MACHINES) for number in range(4)}
    text = page(found, "python -m this", CHAINED)
    assert "**4 chains: 0 failed.**" in text and "- chain" not in text
    found[2].wrong.append("too few")
    text = page(found, "python -m this", CHAINED)
    assert "**4 chains: 1 failed.**" in text and "- chain 2: too few" in text
    assert f"stayed on the chip in {sum(one.near > 0 for one in found.values())} chains" in text


def test_chains_are_of_every_depth_kernel_and_stride():
    depths, sides, strides = set(), set(), set()
    for seed in range(300):
        graph = random_chain(np.random.default_rng(seed))
        depths.add(len(graph.nodes))
        for node in graph.nodes:
            sides |= set(node.weights.shape[1:3]) if isinstance(node, Conv) else set()
            strides |= set(getattr(node, "stride", ()))
    assert depths == {2, 3, 4, 5, 6} and sides == set(range(1, 8)) and strides == {1, 2, 3}


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(20))
def test_two_thousand_random_chains(part):
    for number in range(100 * part, 100 * part + 100):
        found = check_chain(1, number, "auto")
        assert not found.wrong, f"seed 1 chain {number}: {found}"
