"""The unchanged machine, for the tests of the cases."""

import pytest

from accel.sim import verilator
from accel.sim.verilator import VerilatorEngine
from tests.faults.subject import PARAMS


@pytest.fixture(scope="module")
def engine() -> VerilatorEngine:
    """Built; without Verilator the test is skipped."""
    if not verilator.available():
        pytest.skip("needs Verilator and a C++ compiler")
    built = VerilatorEngine()
    built.build(PARAMS)
    return built
