"""LiteRT in its own process: answers, refusals, crashes."""

import gc
import os
import signal

import numpy as np
import pytest

from accel import litert
from tests.support.litert import answers, need
from tests.support.tflite_models import Model


@pytest.fixture(autouse=True)
def _installed():
    need()


def relu(rank=2):
    model = Model()
    shape = [1] * (rank - 1) + [4]
    source = model.input(shape, "float32", None)
    return model.output(model.op("RELU", [source], shape, "float32", None)).content()


VALUES = np.array([[-1, 2, -3, 4]], np.float32)


def test_it_computes():
    [[found], [other]] = answers(relu(), [np.concatenate([VALUES, -VALUES])])
    assert found.tolist() == [[0, 2, 0, 4]] and other.tolist() == [[1, 0, 3, 0]]
    assert litert.Interpreter(relu(3)).shapes == [(1, 1, 4)]


def test_what_it_refuses_is_one_line():
    with pytest.raises(litert.LiteRTError) as error:
        litert.Interpreter(relu()).run([VALUES[:, :2]])
    assert "\n" not in str(error.value) and "imension" in str(error.value)


def test_a_model_outlives_the_process():
    interpreter = litert.Interpreter(relu())
    process = litert._Process.here()
    os.kill(process._child.pid, signal.SIGSEGV)
    with pytest.raises(litert.LiteRTError, match=r"it ended with status -11"):
        interpreter.run([VALUES])
    assert interpreter.run([VALUES])[0].tolist() == [[0, 2, 0, 4]]
    assert litert._Process.here() is not process


def test_models_are_forgotten():
    first = litert.Interpreter(relu())
    number, process = first._number, litert._Process.here()
    del first
    gc.collect()
    assert number in process.unused
    second = litert.Interpreter(relu())
    assert number not in process.unused and second.run([VALUES])[0].shape == (1, 4)


def test_a_fork_has_a_process_of_its_own():
    litert.Interpreter(relu())
    process = litert._Process.here()
    process.owner -= 1  # as it looks from a fork
    try:
        assert litert._Process.here() is None
    finally:
        process.owner += 1
