"""Work spread over threads: every item once, errors not lost, nobody waited for in vain."""

import os
import threading

import pytest

from accel.golden import threads


@pytest.fixture
def four(monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 0)
    with threads.limit(4):
        yield


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 100])
def test_every_item_once(four, count):
    for _ in range(20):
        pieces = []
        threads.spread(lambda first, last, to=pieces: to.append((first, last)), count, 1)
        assert [item for first, last in sorted(pieces) for item in range(first, last)] == list(
            range(count)
        )
        assert len(pieces) == min(count, 4)


def test_pieces_run_at_the_same_time(four):
    meeting = threading.Barrier(4, timeout=30)
    threads.spread(lambda first, last: meeting.wait(), 4, 1)  # nobody comes back alone


def test_little_work_and_one_thread_stay_here(monkeypatch):
    calls = []
    threads.spread(lambda *edges: calls.append(edges), 9, threads.WORTH - 1)
    monkeypatch.setattr(threads, "WORTH", 0)
    with threads.limit(1):
        threads.spread(lambda *edges: calls.append(edges), 9, 1)
    assert calls == [(0, 9), (0, 9)]


def test_a_helpers_error_is_raised_here(four):
    here, meeting = threading.get_ident(), threading.Barrier(4, timeout=30)

    def fail(first, last):
        meeting.wait()
        if threading.get_ident() != here:
            raise ArithmeticError("wrong")

    with pytest.raises(ArithmeticError, match="^wrong$"):
        threads.spread(fail, 4, 1)
    threads.spread(lambda first, last: None, 4, 1)  # the helpers are still there


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork here")
def test_a_forked_process_starts_its_own_helpers(four, monkeypatch):
    threads.spread(lambda first, last: None, 4, 1)
    before = threads._helpers
    monkeypatch.setattr(threads, "_helpers", before)  # put back at the end
    threads._renew()
    assert threads._helpers is not before
    meeting = threading.Barrier(4, timeout=30)
    threads.spread(lambda first, last: meeting.wait(), 4, 1)
