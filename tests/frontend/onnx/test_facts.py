"""Types and shapes of values that cannot be inferred."""

import numpy as np
import onnx
import pytest

from accel.frontend.errors import ModelError
from accel.frontend.onnx.facts import Facts, macs
from tests.support.onnx_models import Model


def searching() -> Model:
    """NonZero finds as many as there are; of LayerNormalization the second result is left out."""
    model = Model([1, 4], opset=17)
    ones = model.const("ones", np.ones(4, np.float32))
    model.nodes.append(onnx.helper.make_node(
        "LayerNormalization", ["x", ones], ["normal", "", "spread"], name="ln"))  # fmt: skip
    model.node("Sub", ["normal", "normal"], "zeros")
    model.node("Add", ["zeros", ones], "twos")
    model.node("NonZero", ["twos"], "found")
    model.node("Cast", ["found"], "real", to=onnx.TensorProto.FLOAT)
    return model.output("real")


def test_what_is_not_inferred_is_observed():
    facts = Facts("f.onnx", searching().proto())
    assert facts.of("x") == (np.float32, (1, 4))
    assert facts.follows("normal") and not facts.follows("found")
    assert facts.of("found") == (np.int64, (2, 4))
    assert facts.of("real") == (np.float32, (2, 4)) and facts.dtype("found") == np.int64
    assert facts.of("spread")[1] == (1, 1)
    with pytest.raises(ModelError, match="f.onnx: value 'none': its type and shape must be known"):
        facts.of("none")


def test_a_model_that_does_not_run():
    model = searching()
    model.node("Reshape", ["real", model.const("three", [3], np.int64)], "threes")
    facts = Facts("f.onnx", model.proto())
    with pytest.raises(ModelError, match="f.onnx: ONNX Runtime does not run it: .*"):
        facts.of("found")


@pytest.mark.parametrize("bias", [False, True])
def test_a_transposed_convolution_multiplies_every_input_by_all_its_weights(bias):
    model = Model([1, 3, 4, 5], opset=17)
    stored = [model.const("w", np.ones((3, 2, 2, 2)), np.float32)]
    stored += [model.const("b", np.ones(2), np.float32)] * bias
    proto = model.output(model.node("ConvTranspose", ["x", *stored], "y")).proto()
    assert macs(proto.graph.node[0], Facts("f.onnx", proto)) == 3 * 4 * 5 * 2 * 2 * 2
