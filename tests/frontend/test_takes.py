"""Lists of indices as runs."""

import pytest

from accel.frontend import takes


@pytest.mark.parametrize("taken, strided, expected", [
    ([0, 1, 2, 3], False, [(0, 4, 1, 0)]),
    ([2, 3, 4, 0, 1], False, [(2, 3, 1, 0), (0, 2, 1, 3)]),
    ([1, 3, 5, 6], True, [(1, 3, 2, 0), (6, 1, 1, 3)]),
    ([1, 3, 5], False, [(1, 1, 1, 0), (3, 1, 1, 1), (5, 1, 1, 2)]),
    ([4, 4, 3], True, [(4, 1, 1, 0), (4, 1, 1, 1), (3, 1, 1, 2)]),
])  # fmt: skip
def test_runs(taken, strided, expected):
    assert takes.runs(taken, strided) == expected


@pytest.mark.parametrize("strided, ends", [
    (True, [(5, 3, 2, 3), (3, 1, 1, 6), (3, 1, 1, 7), (2, 1, 1, 8)]),
    (False, [(5, 1, 1, 3), (7, 1, 1, 4), (9, 1, 1, 5), (3, 1, 1, 6), (3, 1, 1, 7), (2, 1, 1, 8)]),
])  # fmt: skip
def test_a_run_goes_on_as_long_as_its_step(strided, ends):
    assert takes.runs([0, 1, 2, 5, 7, 9, 3, 3, 2], strided) == [(0, 3, 1, 0), *ends]
