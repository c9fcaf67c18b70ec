"""Random ONNX networks, and what ONNX Runtime makes of them.

What no claim calls exact (reports/exactness.md) is a *near* value.  :func:`expected` cuts the
network there: ONNX Runtime computes the value from the same bytes as the golden model, which may
differ by a step, and goes on from the golden model's.  So everything else must agree in every byte.
"""

import numpy as np
import onnx
from onnx import helper

from accel.onnx_session import session
from tests.support.random_graphs.case import Case
from tests.support.random_graphs.onnx_layers import STEPS as LAYERS
from tests.support.random_graphs.onnx_moves import ENDS
from tests.support.random_graphs.onnx_moves import STEPS as MOVES
from tests.support.random_graphs.onnx_sketch import Sketch

#: A network's steps, at most.
MOST = 12


def expected(case: Case, ours: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """ONNX Runtime's outputs, image by image, behind near values as computed from ``ours``."""
    model = onnx.load_from_string(case.content)
    outputs = {value.name: value for value in model.graph.output}
    for name in case.near:
        made = f"{name}_made"
        model.graph.input.append(outputs[name])
        shape = model.graph.input[-1].type.tensor_type
        shape.shape.CopyFrom(helper.make_tensor_type_proto(
            shape.elem_type, [None] * ours[name].ndim).tensor_type.shape)  # ONNX may infer others
        for node in model.graph.node:
            node.output[:] = [made if one == name else one for one in node.output]
        outputs[name].name = made
    runtime, count = session(model), len(next(iter(case.given.values())))
    given = case.given | {name: ours[name] for name in case.near}
    found = [runtime.run(None, {name: values[n : n + 1] for name, values in given.items()})
             for n in range(count)]
    names = [value.name.removesuffix("_made") for value in model.graph.output]
    return dict(zip(names, map(np.concatenate, zip(*found, strict=True)), strict=True))


def draw(seed: int, number: int, most: int = MOST) -> Case:
    """Network ``number`` of ``seed``, or the one of its first ``most`` steps."""
    sketch = Sketch(np.random.default_rng([1, seed, number]))
    sketch.begin()
    count = sketch.whole(3, MOST)
    for _ in range(min(count, most)):
        sketch.step(LAYERS if sketch.chance(0.45) else MOVES)
    if most >= count and sketch.chance(0.3):
        sketch.step(ENDS)
    rng = np.random.default_rng([2, seed, number])
    given = sketch.images(int(rng.integers(1, 4)), rng)
    return Case("onnx", sketch.proto().SerializeToString(), given, sketch.near, sketch.taken)
