"""Programs cost what they cost before: cycles, with a fast and a slow memory, traffic, commands.

Where a change is meant, ``python -m tests.support.pinned --write`` writes the new numbers down.
"""

import json

import pytest

from tests.support import pinned

KNOWN = json.loads(pinned.FILE.read_text(encoding="utf-8"))
CASES = pinned.cases()
#: Cases of one test: few enough that a test is quick.
TOGETHER = 5


@pytest.mark.parametrize("first", range(0, len(CASES), TOGETHER))
def test_costs_are_as_before(first):
    names = list(CASES)[first : first + TOGETHER]
    found = {name: pinned.measured(CASES[name]) for name in names}
    assert found == {name: KNOWN[name] for name in names}


def test_nothing_is_pinned_that_is_not_a_case():
    assert list(KNOWN) == list(CASES)
