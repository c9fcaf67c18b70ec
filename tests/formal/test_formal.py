import pytest
from amaranth.hdl import Fragment

from tests.formal.case import Apart
from tests.formal.cases import CASES
from tests.formal.prove import Refuted
from tests.formal.tools import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing")


def marks(case, bug=None):
    """A campaign's proof; and of a quick one's bugs all but the first, to keep it quick."""
    return pytest.mark.campaign if case.campaign or bug not in (None, *case.bugs[:1]) else ()


def proofs():
    return [pytest.param(case, marks=marks(case), id=case.name) for case in CASES]


def bugs():
    return [
        pytest.param(case, bug, marks=marks(case, bug), id=f"{case.name}: {bug.says}")
        for case in CASES
        for bug in case.bugs
    ]


@pytest.mark.parametrize("case", proofs())
def test_is_proved(case):
    proof = case.prove()
    assert proof.unbounded and proof.asserts


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_planted_bugs_are_changes_to_the_source_of_today(case):
    """Also those that only a campaign looks for: their text is there, and what it becomes works."""
    for bug in case.bugs:
        of = bug.planted(case.of)
        if isinstance(case, Apart):
            Fragment.get(of(*case.arguments), None)
        else:
            Fragment.get(case.build(of, **case.options | bug.options), None)


@pytest.mark.parametrize("case, bug", bugs())
def test_a_planted_bug_is_found(case, bug):
    with pytest.raises(Refuted):
        case.look_for(bug)
