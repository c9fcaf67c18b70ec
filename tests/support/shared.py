"""Reference data that may lie beside the repository; tests that need it skip without it."""

import pathlib

import pytest

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared"


def need(*parts) -> pathlib.Path:
    """Path of a file or folder in ../shared, or skip the test."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no reference data {path.name} beside the repository")
    return path
