"""Float TFLite models of the kinds that converters write, with random weights."""

import numpy as np

from tests.support.tflite_models import Model

REAL = {"dtype": "float32", "scale": None}
SHAPE = (12, 12, 3)
IMAGES = np.random.default_rng(7).standard_normal((8, *SHAPE)).astype(np.float32)


class Float(Model):
    """A model whose tensors are float, and its weights float16 if ``half``."""

    def __init__(self, half=False, seed=0):
        super().__init__()
        self.rng, self.half = np.random.default_rng(seed), half

    def stored(self, values):
        values = np.asarray(values, np.float32)
        if not self.half:
            return self.tensor(values.shape, "float32", data=values)
        found = self.tensor(values.shape, "float16", data=values)
        return self.op("DEQUANTIZE", [found], values.shape, **REAL)

    def layer(self, op, source, weights, shape, **options):
        fan = np.prod(weights[1:3]) * (1 if op.startswith("DEPTH") else weights[-1])
        w = self.stored(self.rng.standard_normal(weights) / np.sqrt(fan))
        bias = self.stored(self.rng.standard_normal(shape[-1]) / 10)
        return self.op(op, [source, w, bias], shape, **REAL, **options)


def mobile(half=False, classes=5):
    """Convolutions, a residual sum, a gate, pooling, a fully connected layer, softmax."""
    model = Float(half)
    x = model.input([1, *SHAPE], "float32", None)
    small = [1, 6, 6, 8]
    y = model.layer("CONV_2D", x, [8, 3, 3, 3], small, Padding=0, StrideH=2, StrideW=2,
                    FusedActivationFunction=3)
    z = model.layer("DEPTHWISE_CONV_2D", y, [1, 3, 3, 8], small, Padding=0,
                    FusedActivationFunction=3)
    z = model.layer("CONV_2D", z, [8, 1, 1, 8], small)
    z = model.op("ADD", [y, z], small, **REAL)
    gate = model.op("MEAN", [z, model.constant([1, 2])], [1, 1, 1, 8], KeepDims=True, **REAL)
    gate = model.layer("CONV_2D", gate, [8, 1, 1, 8], [1, 1, 1, 8])
    gate = model.op("LOGISTIC", [gate], [1, 1, 1, 8], **REAL)
    z = model.op("MUL", [z, gate], small, **REAL)
    z = model.op("AVERAGE_POOL_2D", [z], [1, 3, 3, 8], StrideH=2, StrideW=2, **REAL)
    z = model.op("RESHAPE", [z, model.constant([1, 72])], [1, 72], **REAL)
    w = model.stored((1 + model.rng.standard_normal((classes, 72))) / 8)
    z = model.op("FULLY_CONNECTED", [z, w, model.stored(np.zeros(classes))], [1, classes], **REAL)
    return model.output(model.op("SOFTMAX", [z], [1, classes], **REAL))
