"""Deadlock freedom of programs of the listed form, by Z3."""

import pytest

from tests.formal.deadlock import FORMS, RULES, Form, Without
from tests.formal.prove import Refuted


def forms():
    return [pytest.param(form, marks=pytest.mark.campaign if form.campaign else (), id=form.name)
            for form in FORMS]  # fmt: skip


@pytest.mark.parametrize("form", forms())
def test_no_program_stands_still(form):
    assert form.prove().unbounded


@pytest.mark.parametrize("form", forms())
def test_every_rule_is_needed(form):
    for bug in form.bugs:
        assert bug.says in RULES
        with pytest.raises(Refuted):
            form.look_for(bug)


def test_the_rule_that_is_not_follows_from_the_others():
    Form(6).look_for(Without("WEIGHTS behind the POST that frees a slot", 6))
