"""LiteRT's own answers; tests that need them are left out where it is not installed."""

import pytest

from accel import litert


def need() -> None:
    """Leave the test out if LiteRT is missing."""
    if not installed():
        pytest.skip("LiteRT is not installed: pip install ai-edge-litert")


def installed() -> bool:
    try:
        litert.Interpreter(b"")
    except litert.LiteRTMissingError:
        return False
    except litert.LiteRTError:  # that it is no model
        return True
    raise AssertionError("nothing is a model")


def answers(content: bytes, inputs) -> list:
    """What LiteRT answers to each image: a list of its outputs for each."""
    interpreter = litert.Interpreter(content)
    return [interpreter.run([values[n : n + 1] for values in inputs])
            for n in range(len(inputs[0]))]
