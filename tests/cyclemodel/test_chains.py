"""Layers whose results stay on the chip, on the RTL: every byte, and every counter predicted."""

import pytest

from accel.compiler import compile_graph
from accel.compiler.errors import CompileError
from tests.support.chain_campaign import CHAINED, check_chain, draw_chain, near

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
    result = check_chain(SEED, number, "auto", MACHINES)
    assert not result["wrong"], f"seed {SEED} chain {number}: {result}"


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(20))
def test_two_thousand_random_chains(part):
    for number in range(100 * part, 100 * part + 100):
        try:
            result = check_chain(1, number, "auto")
        except CompileError:  # the machine is too small: said, not computed wrongly
            continue
        assert not result["wrong"], f"seed 1 chain {number}: {result}"
