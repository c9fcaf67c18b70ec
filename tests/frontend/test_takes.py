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
