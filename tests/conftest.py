"""What holds for all tests."""

import pytest


def pytest_collection_modifyitems(items):
    """A campaign takes as long as it takes; the quick tests have a time limit (pyproject.toml)."""
    for item in items:
        if item.get_closest_marker("campaign"):
            item.add_marker(pytest.mark.timeout(0))
