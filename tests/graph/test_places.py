"""Which parts of a tensor lie on each other."""

import numpy as np

from accel.graph import places


def test_progressions_in_common():
    random = np.random.default_rng(0)
    for _ in range(100):
        count = int(random.integers(1, 30))
        drawn = random.integers((0, 1, 1), (20, 6, 8), (count, 3)).tolist()
        sets = [{start + n * step for n in range(size)} for start, step, size in drawn]
        expected = [[bool(one & other) for other in sets] for one in sets]
        np.testing.assert_array_equal(places._in_common(drawn), expected)


def test_a_thousand_parts_are_compared_at_once(monkeypatch):
    """Phases of one step are never looked at one by one."""
    monkeypatch.setattr(places, "range", None, raising=False)
    found = places._in_common([(start, 1024, 9) for start in range(1024)])
    np.testing.assert_array_equal(found, np.eye(1024, dtype=bool))
