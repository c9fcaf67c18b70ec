"""The time limit of tests: not for what is built once for all of them."""

import subprocess
import sys
import types

import numba
import pytest_timeout
from numba.core import event

from tests.support.limits import BUILD, Compilations, Limit

SETTINGS = pytest_timeout.Settings(7, "thread", False, False)


def recorded():
    """A limit whose test has timers that are written down."""
    limit, calls = Limit(), []

    def start(item, settings):
        calls.append(settings.timeout)
        limit.start(item, settings)  # as the hook in conftest.py does

    hooks = types.SimpleNamespace(pytest_timeout_set_timer=start,
                                  pytest_timeout_cancel_timer=lambda item: calls.append("cancel"))
    item = types.SimpleNamespace(config=types.SimpleNamespace(hook=hooks))
    start(item, SETTINGS)
    return limit, calls


def test_a_build_has_a_limit_of_its_own():
    limit, calls = recorded()
    assert limit.exempt(lambda x, y: calls.append(x + y))(1, y=2) is None
    assert calls == [7, "cancel", BUILD, 3, "cancel", 7]
    limit.stop()
    limit.exempt(calls.append)("no test")
    assert calls[6:] == ["no test"]


def test_the_tests_limit_is_back_behind_a_build_that_fails():
    limit, calls = recorded()
    try:
        limit.exempt(int)("no number")
    except ValueError:
        calls.append("raised")
    assert calls == [7, "cancel", BUILD, "cancel", 7, "raised"]


def test_what_numba_compiles_and_what_that_needs():
    limit, calls = recorded()

    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x)

    with event.install_listener("numba:compile", Compilations(limit)):
        assert outer(1) == 2
        assert calls == [7, "cancel", BUILD, "cancel", 7]
        assert outer(2) == 3
    assert len(calls) == 5


_SLOW = """
import time
import pytest
import accel.sim.build  # before any limit
from tests import conftest
from tests.conftest import *  # the hooks

@pytest.fixture
def built():
    conftest.LIMIT.exempt(time.sleep)(5)

@pytest.mark.timeout(4)
def test_builds(built):
    pass

@pytest.mark.timeout(4)
def test_hangs():
    time.sleep(60)
"""


def test_with_pytest_itself(tmp_path):
    """Of two tests with a limit of 4 s the one that only builds for 5 s passes."""
    file = tmp_path / "test_slow.py"
    file.write_text(_SLOW)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p",
         "tests.conftest", "-o", "timeout_method=signal", str(file)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "test_builds PASSED" in done.stdout
    assert "test_hangs FAILED" in done.stdout
    assert "Timeout (>4" in done.stdout
