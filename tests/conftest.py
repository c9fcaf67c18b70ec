"""What holds for all tests."""

import pytest
from numba.core import event

from tests.support.limits import Compilations, Limit

LIMIT = Limit()


def pytest_collection_modifyitems(items):
    """A campaign takes as long as it takes; the quick tests have a time limit (pyproject.toml)."""
    for item in items:
        if item.get_closest_marker("campaign"):
            item.add_marker(pytest.mark.timeout(0))


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_set_timer(item, settings):
    LIMIT.start(item, settings)


def pytest_runtest_logfinish():
    LIMIT.stop()


@pytest.fixture(scope="session", autouse=True)
def building_is_not_a_tests_own_time():
    from accel.sim.build import Builder

    with (
        pytest.MonkeyPatch.context() as patch,
        event.install_listener("numba:compile", Compilations(LIMIT)),
    ):
        patch.setattr(Builder, "build", LIMIT.exempt(Builder.build))
        yield
