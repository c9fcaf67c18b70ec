"""TFLite models of one operator in all pairs of its attributes; litert_record.py has them answered.

``OPERATORS`` maps a name to options and a function of a :class:`Chosen`, which is a Draw that takes
from a row what the row has and draws the rest.
"""

import functools

import numpy as np
import tflite

from tests.support import tflite_random
from tests.support.covering import covering
from tests.support.tflite_random import EVERY, Draw

SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
DTYPES = ["int8", "uint8"]
ZEROS = ["least", "most", "any"]
#: What all windows have.
WINDOW = {
    "dtype": DTYPES, "image": [[1, 6, 5, 4], [1, 7, 7, 2]], "padding": [SAME, VALID],
    "kernel": [[1, 1], [3, 3], [1, 3], [2, 1]], "stride": [[1, 1], [2, 1], [3, 2], [1, 4]],
    "activation": [0, 1, 2, 3], "zero": ZEROS,
}  # fmt: skip
#: What all layers with weights have; "weight zero" is a uint8's.  Only some may have no bias.
WEIGHTED = {"per channel": [False, True], "weight zero": [128, 122, 0, 255]}


class Chosen(Draw):
    """A Draw by a row of options."""

    def __init__(self, row, seed):
        super().__init__(seed)
        self.row = row
        for name in ("dtype", "image", "padding", "kernel", "stride", "dilation"):
            setattr(self, name, row.get(name, getattr(self, name)))

    def activation(self):
        return self.row.get("activation", 0)

    def zero(self, dtype=None):
        info = np.iinfo(dtype or self.dtype)
        wanted = self.row.get("zero", "any")
        return {"least": info.min, "most": info.max}.get(wanted, self.whole(info.min, info.max))

    def weights(self, shape, axis, lone=0.5):
        if self.dtype == "uint8":
            zero = self.row["weight zero"]
            data = self.rng.integers(0, 256, shape)
            return self.model.tensor(shape, "uint8", self.scale(-9, -5), zero, data)
        count = shape[axis] if self.row["per channel"] else 1
        scales = [self.scale(-9, -5) for _ in range(count)]
        data = self.rng.integers(-127, 128, shape)
        return self.model.tensor(shape, "int8", scales, 0, data, axis)

    def layer(self, op, source, weights, count, shape, **options):
        """An operator with weights, with or without a bias."""
        inputs = [source, weights]
        bias = self.row.get("bias", "given")
        if bias == "given":
            inputs.append(self.bias(source, weights, count))
        elif bias == "-1":
            inputs.append(-1)
        return self.op(op, inputs, shape, **options)

    def dilated(self):
        return {"DilationHFactor": self.dilation[0], "DilationWFactor": self.dilation[1]}


def fits(row) -> bool:
    """Whether a window fits the image, and no dilation meets a stride or a uint8's many scales."""
    if row["dtype"] == "uint8" and row.get("per channel"):
        return False
    if row["dtype"] == "int8" and row.get("weight zero", 128) != 128:
        return False
    dilation = row.get("dilation", [1, 1])
    if dilation != [1, 1] and row["stride"] != [1, 1]:
        return False
    return all((k - 1) * d + 1 <= size for k, d, size in
               zip(row["kernel"], dilation, row["image"][1:3], strict=True))


def conv(draw):
    channels = draw.image[3]
    groups = channels if draw.row["grouped"] else 1
    filters = 2 * channels
    source = draw.input()
    weights = draw.weights([filters, *draw.kernel, channels // groups], 0)
    return draw.layer("CONV_2D", source, weights, filters, [1, *draw.windows(), filters],
                      **draw.geometry(**draw.dilated()))


def depthwise(draw):
    filters = draw.image[3] * draw.row["times"]
    source = draw.input()
    weights = draw.weights([1, *draw.kernel, filters], 3)
    return draw.layer("DEPTHWISE_CONV_2D", source, weights, filters,
                      [1, *draw.windows(), filters],
                      **draw.geometry(DepthMultiplier=draw.row["times"], **draw.dilated()))


def fully_connected(draw):
    filters, image = 5, [1, 2, 3, 4]
    shape = {"flat": [1, 24], "image": image, "pixels": image}[draw.row["input"]]
    kept = draw.row["input"] == "pixels"
    source = draw.input(shape)
    weights = draw.weights([filters, 4 if kept else 24], 0)
    return draw.layer("FULLY_CONNECTED", source, weights, filters,
                      [*image[:3], filters] if kept else [1, filters], KeepNumDims=kept,
                      FusedActivationFunction=draw.activation())


def mean(draw):
    axes, keep = draw.row["axes"], draw.row["keep"]
    over = {axis % 4 for axis in axes}
    shape = [1 if axis in over else size for axis, size in enumerate(draw.image)
             if keep or axis not in over]
    same = draw.same()
    out = same if draw.row["same"] else {"scale": draw.scale()}
    return draw.op("MEAN", [draw.input(**same), draw.model.constant(axes)], shape, KeepDims=keep,
                   **out)


def add(draw):
    source = draw.input()
    other = source if draw.row["other"] == "itself" else draw.input()
    return draw.op("ADD", [source, other], draw.image, FusedActivationFunction=draw.activation())


def pair(draw):
    """Two images, an image and a pixel, or an image and constants, in either order."""
    row, image = draw.row, draw.image
    alike = draw.same() if row["op"] in ("MAXIMUM", "MINIMUM") else {}
    scales = alike or {"scale": draw.scale(), "zero": draw.zero()}
    source = draw.input(**scales)
    channels = {"pixel": [1, 1, 1, image[3]], "channels": [1, 1, 1, image[3]],
                "vector": [image[3]], "number": []}.get(row["other"])
    if row["other"] in ("another", "pixel"):
        other = draw.input(channels or image, **alike)
    else:
        info = np.iinfo(draw.dtype)
        other = draw.model.tensor(channels, draw.dtype, alike.get("scale", draw.scale()),
                                  alike.get("zero", draw.zero()),
                                  draw.rng.integers(info.min, info.max + 1, channels))
    inputs = [other, source] if row["swapped"] else [source, other]
    fused = {} if alike else {"FusedActivationFunction": draw.activation()}
    return draw.op(row["op"], inputs, image, **alike, **fused)


def concatenation(draw):
    same, rank = draw.same(), draw.row["rank"]
    sources = []
    for number in range(draw.row["count"]):
        fields = {} if draw.row["scales"] == "own" and number else same
        sources.append(draw.input([*draw.image[:rank - 1], 2 + number], **fields))
    channels = sum(draw.model.tensors[source]["shape"][-1] for source in sources)
    return draw.op("CONCATENATION", sources, [*draw.image[:rank - 1], channels], **same,
                   Axis=rank - 1 if draw.row["positive"] else -1)


def softmax(draw):
    shape = [1, 9] if draw.row["rank"] == 2 else draw.image
    return draw.op("SOFTMAX", [draw.input(shape, scale=draw.row["scale"])], shape, scale=1 / 256,
                   zero=0 if draw.dtype == "uint8" else -128, Beta=draw.row["beta"])


def function(draw):
    op = draw.row["op"]
    out = {"TANH": {"scale": 1 / 128, "zero": 0}, "LOGISTIC": {"scale": 1 / 256, "zero": -128}}
    fields = out.get(op, {"scale": draw.scale()})
    if op in out and draw.dtype == "uint8":
        fields["zero"] += 128
    if op in out or not draw.row["same"]:
        return draw.op(op, [draw.input(EVERY)], EVERY, **fields)
    same = draw.same()
    return draw.op(op, [draw.input(EVERY, **same)], EVERY, **same)


def requantise(draw):
    same = draw.same() if draw.row["same"] and draw.row["to"] == draw.dtype else {}
    source = draw.input(EVERY, **same)
    fields = {"scale": draw.scale(), "zero": draw.zero(draw.row["to"]), **same}
    return draw.op("QUANTIZE", [source], EVERY, dtype=draw.row["to"], **fields)


def pad(draw):
    same, image = draw.same(), draw.image
    (top, bottom), (left, right) = draw.row["pads"]
    shape = [1, image[1] + top + bottom, image[2] + left + right, image[3]]
    sizes = draw.model.constant([[0, 0], [top, bottom], [left, right], [0, 0]], draw.row["index"])
    source = draw.input(**same)
    value = draw.op("PAD", [source, sizes], shape, **same)
    reader, kernel = draw.row["reader"], draw.kernel
    if reader == "none":
        return value
    if reader.endswith("POOL_2D"):
        return draw.op(reader, [value], [1, *draw.windows(shape), image[3]], **same,
                       **draw.geometry(FilterHeight=kernel[0], FilterWidth=kernel[1]))
    filters = image[3] if reader == "DEPTHWISE_CONV_2D" else 3
    depth = [1, *kernel, filters] if reader == "DEPTHWISE_CONV_2D" else [filters, *kernel, image[3]]
    weights = draw.weights(depth, 3 if reader == "DEPTHWISE_CONV_2D" else 0)
    return draw.layer(reader, value, weights, filters, [1, *draw.windows(shape), filters],
                      **draw.geometry())


OPERATORS = {
    "conv": ({**WINDOW, **WEIGHTED, "dilation": [[1, 1], [2, 1], [1, 2]],
              "grouped": [False, True]}, conv, fits),
    "depthwise": ({**WINDOW, **WEIGHTED, "dilation": [[1, 1], [2, 1], [1, 2]], "times": [1, 3],
                   "bias": ["given", "left out"]},
                  depthwise, fits),
    "fully_connected": (
        {"dtype": DTYPES, "input": ["flat", "image", "pixels"], "activation": [0, 1, 2, 3],
         "zero": ZEROS, "bias": ["given", "left out", "-1"], **WEIGHTED}, fully_connected,
        lambda row: fits({**row, "kernel": [1, 1], "stride": [1, 1], "image": [1, 1, 1, 1]}),
    ),
    "average_pool": (WINDOW, tflite_random.pool("AVERAGE_POOL_2D"), fits),
    "max_pool": (WINDOW, tflite_random.pool("MAX_POOL_2D"), fits),
    "mean": ({"dtype": DTYPES, "image": [[1, 6, 5, 4], [1, 7, 7, 2]], "zero": ZEROS,
              "axes": [[1, 2], [2, 1], [-3, -2], [1], [2]], "keep": [False, True],
              "same": [False, True]}, mean,
             lambda row: row["keep"] or len(row["axes"]) > 1),
    "add": ({"dtype": DTYPES, "image": [[1, 6, 5, 4], [1, 7, 7, 2]], "zero": ZEROS,
             "activation": [0, 1, 2, 3], "other": ["another", "itself"]}, add, None),
    "concatenation": (
        {"dtype": DTYPES, "zero": ZEROS, "rank": [2, 4], "count": [1, 2, 3],
         "scales": ["one", "own"], "positive": [False, True]}, concatenation,
        lambda row: row["dtype"] == "uint8" or row["scales"] == "one",
    ),
    "softmax": ({"dtype": DTYPES, "zero": ZEROS, "rank": [2, 4], "beta": [1.0, 0.5, 2.0],
                 "scale": [0.03, 0.25, 1.0]}, softmax, None),
    "function": (
        {"dtype": DTYPES, "zero": ZEROS, "same": [False, True],
         "op": ["RELU", "RELU6", "RELU_N1_TO_1", "TANH", "LOGISTIC", "HARD_SWISH"]},
        function, None,
    ),
    "requantise": ({"dtype": DTYPES, "to": DTYPES, "zero": ZEROS, "same": [False, True]},
                   requantise, None),
    "pad": (
        {**WINDOW, **WEIGHTED, "padding": [VALID, SAME], "index": ["int32", "int64"],
         "pads": [[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[2, 0], [0, 1]]],
         "reader": ["none", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"]},
        pad, fits,
    ),
    "pair": (
        {"op": ["SUB", "MUL", "ADD", "MAXIMUM", "MINIMUM"], "dtype": DTYPES, "zero": ZEROS,
         "other": ["another", "pixel", "channels", "vector", "number"], "swapped": [False, True],
         "image": [[1, 6, 5, 4], [1, 7, 7, 2]], "activation": [0, 1, 2, 3]}, pair, None,
    ),
}  # fmt: skip


@functools.cache
def rows(name, seed=0) -> list[dict]:
    """The rows of an operator's options."""
    options, _, possible = OPERATORS[name]
    return covering(options, possible or (lambda row: True), seed)


def draw_all(seed=0):
    """Yield for each row a name, the bytes of its model, and images for the model's inputs."""
    for place, (name, (_, build, _)) in enumerate(OPERATORS.items()):
        for number, row in enumerate(rows(name, seed)):
            made = Chosen(row, [place, number, seed])
            made.model.output(build(made))
            yield f"{name}_{number}", made.model.content(), made.inputs()
