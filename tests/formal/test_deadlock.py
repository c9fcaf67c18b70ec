"""Deadlock freedom of programs of the listed form, by Z3."""

import pytest
import z3

from tests.formal.deadlock import (
    FORMS,
    RULES,
    WEIGHTS,
    Command,
    Form,
    Listed,
    Machine,
    State,
    Without,
    programs,
)
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


def test_there_are_programs_and_states_of_which_it_speaks():
    """With blocks, records and tables in them, of which some are finished and some are not."""
    commands = [Command(place) for place in range(8)]
    listed, state, solver = Listed(commands), State(commands), z3.Solver()
    solver.add(*programs(commands, Machine()), *state.possible(Machine()))
    solver.add(listed.ended == 2, listed.posted == 1, listed.macs == 1, state.done[WEIGHTS] == 1)
    assert solver.check() == z3.sat


def test_queues_of_one_command_stand_still():
    """Why the machine has at least two (accel/params.py)."""
    with pytest.raises(Refuted):
        Form(7, Machine(queue=1)).prove()
