"""Small TFLite files of each operator: those of the other tests, and of what they leave out."""

import functools

import numpy as np

from accel.frontend.tflite.file import parse
from tests.support import tflite_builtins, tflite_pairs, tflite_random
from tests.support.tflite_models import Model

IMAGE = [1, 16, 16, 1]
REAL = {"dtype": "float32", "scale": None}
#: Operators with a second number, in float: whether that is the second one, and the number.
_NUMBERS = {"DIV": 0.7, "FLOOR_DIV": 0.7, "FLOOR_MOD": 0.7, "POW": 2.0}
#: Models drawn of each kind of tflite_random.
_SEEDS = 4


def real(op) -> Model:
    """A float operator between DEQUANTIZE and QUANTIZE, on numbers from 0 on."""
    model = Model()
    source = model.op("DEQUANTIZE", [model.input(IMAGE, zero=-128)], IMAGE, **REAL)
    more = [model.tensor([1], "float32", data=[_NUMBERS[op]])] if op in _NUMBERS else []
    made = model.op(op, [source, *more], IMAGE, **REAL)
    return model.output(model.op("QUANTIZE", [made], IMAGE, scale=0.1))


def bordered() -> Model:
    """PADV2 with the zero point."""
    model = Model()
    sizes = model.constant([[0, 0], [1, 1], [2, 0], [0, 0]])
    value = model.tensor([1], scale=0.05, zero=3, data=[3])
    return model.output(model.op("PADV2", [model.input(IMAGE), sizes, value], [1, 18, 18, 1]))


def images(model: Model) -> list[np.ndarray]:
    """Two random images for each input."""
    rng = np.random.default_rng(1)
    return [rng.integers(-128, 128, [2, *model.tensors[index]["shape"][1:]]).astype(np.int8)
            for index in model.inputs]


@functools.cache
def files() -> dict[str, list[tuple[bytes, list[np.ndarray]]]]:
    """Contents and inputs of files, by each operator that they have."""
    found: dict[str, list] = {}

    def add(content, inputs) -> None:
        for op in {one.op for one in parse("a file of the tests", content).operators}:
            found.setdefault(op, []).append((content, inputs))

    for model in (*map(real, (*_NUMBERS, "SQRT", "SIGN")), bordered()):
        add(model.content(), images(model))
    for name in tflite_builtins.OPERATORS:
        for number in range(len(tflite_builtins.rows(name))):
            add(*tflite_builtins.draw(name, number))
    for _, content, inputs in tflite_pairs.draw_all():
        add(content, inputs)
    for kind in tflite_random.KINDS:
        for seed in range(_SEEDS):
            add(*tflite_random.draw(kind, seed))
    return found
