"""Random TFLite models of one operator (or the few that belong together), with inputs.

``KINDS`` maps a kind's name to a function of a :class:`Draw` that builds the model and returns its
output's index.
"""

import numpy as np
import tflite

from tests.support.tflite_models import Model

IMAGES = 2
EVERY = [1, 16, 16, 1]  # an image that can hold all 256 bytes


class Draw:
    """A seeded source of shapes, scales and zero points, and the model being built."""

    def __init__(self, seed):
        self.rng, self.model = np.random.default_rng(seed), Model()
        self.dtype = "uint8" if self.chance(0.4) else "int8"
        self.image = [1, *(self.whole(1, 8) for _ in range(3))]
        self.padding = self.whole(0, 1)  # SAME or VALID
        self.kernel = [self.whole(1, min(3, size)) for size in self.image[1:3]]
        self.stride, self.dilation = [self.whole(1, 3), self.whole(1, 3)], [1, 1]

    def chance(self, share):
        return self.rng.random() < share

    def whole(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def scale(self, low=-7, high=-1):
        return float(np.float32(2.0 ** self.rng.uniform(low, high)))

    def zero(self, dtype=None):
        info = np.iinfo(dtype or self.dtype)
        return self.whole(info.min, info.max)

    def input(self, shape=None, **fields):
        fields = {"scale": self.scale(), "zero": self.zero(), **fields}
        return self.model.input(shape or self.image, self.dtype, **fields)

    def op(self, op, inputs, shape, **fields):
        fields = {"dtype": self.dtype, "scale": self.scale(-4, 0), "zero": self.zero(), **fields}
        return self.model.op(op, inputs, shape, **fields)

    def activation(self):
        return self.whole(0, 3)

    def same(self):
        """One scale and zero point for both sides."""
        return {"scale": self.scale(), "zero": self.zero()}

    def weights(self, shape, axis, lone=0.5):
        """Add weights: uint8 with zero point 128, or int8 with one scale or one per channel."""
        if self.dtype == "uint8":
            data = self.rng.integers(0, 256, shape)
            return self.model.tensor(shape, "uint8", self.scale(-9, -5), 128, data)
        count = 1 if self.chance(lone) else shape[axis]
        scales = [self.scale(-9, -5) for _ in range(count)]
        data = self.rng.integers(-127, 128, shape)
        return self.model.tensor(shape, "int8", scales, 0, data, axis)

    def bias(self, source, weights, count):
        tensors = self.model.tensors
        scale = np.float32(tensors[source]["scale"]) * np.float32(tensors[weights]["scale"])
        data = self.rng.integers(-3000, 3000, count)
        return self.model.tensor([count], "int32", scale, 0, data)

    def windows(self, image=None):
        """Output height and width."""
        shape = (image or self.image)[1:3]
        sizes = []
        for size, kernel, stride, dilation in zip(shape, self.kernel, self.stride, self.dilation,
                                                  strict=True):
            reach = (kernel - 1) * dilation + 1
            sizes.append(-(-size // stride) if self.padding == tflite.Padding.SAME
                         else (size - reach) // stride + 1)
        return sizes

    def geometry(self, **more):
        return {"Padding": self.padding, "StrideH": self.stride[0], "StrideW": self.stride[1],
                "FusedActivationFunction": self.activation(), **more}

    def inputs(self):
        """Random images for every input; those of EVERY hold all bytes."""
        found = []
        for index in self.model.inputs:
            tensor = self.model.tensors[index]
            shape = (IMAGES, *tensor["shape"][1:])
            if tensor["dtype"] == "float32":  # many of them halves of a step of 1/16
                values = self.rng.integers(-2500, 2500, shape) / np.float32(32)
            elif tensor["shape"] == EVERY:
                every = np.arange(256).astype(np.uint8).view(tensor["dtype"])
                values = np.tile(every.reshape(EVERY), (IMAGES, 1, 1, 1))
            else:
                info = np.iinfo(tensor["dtype"])
                values = self.rng.integers(info.min, info.max + 1, shape)
            found.append(values.astype(tensor["dtype"]))
        return found


def _dilate(draw):
    """Now and then dilation instead of stride, as far as it fits."""
    if draw.chance(0.3):
        draw.stride, draw.padding = [1, 1], tflite.Padding.VALID
        draw.dilation = [
            draw.whole(1, max(1, (size - 1) // max(1, kernel - 1)))
            for size, kernel in zip(draw.image[1:3], draw.kernel, strict=True)
        ]
    return {"DilationHFactor": draw.dilation[0], "DilationWFactor": draw.dilation[1]}


def conv(draw):
    options, channels = _dilate(draw), draw.image[3]
    groups, filters = 1, draw.whole(1, 8)
    if draw.dtype == "int8" and draw.chance(0.3):
        groups = max(n for n in range(1, channels + 1) if channels % n == 0)
        filters = groups * draw.whole(1, 2)
    source = draw.input()
    weights = draw.weights([filters, *draw.kernel, channels // groups], 0)
    return draw.op("CONV_2D", [source, weights, draw.bias(source, weights, filters)],
                   [1, *draw.windows(), filters], **draw.geometry(**options))


def depthwise(draw):
    options, channels, times = _dilate(draw), draw.image[3], draw.whole(1, 3)
    source = draw.input()
    weights = draw.weights([1, *draw.kernel, channels * times], 3)
    bias = draw.bias(source, weights, channels * times)
    return draw.op("DEPTHWISE_CONV_2D", [source, weights, bias],
                   [1, *draw.windows(), channels * times],
                   **draw.geometry(DepthMultiplier=times, **options))


def fully_connected(draw):
    length, filters = int(np.prod(draw.image)), draw.whole(1, 12)
    source = draw.input([1, length] if draw.chance(0.5) else draw.image)
    weights = draw.weights([filters, length], 0, 0.75)
    return draw.op("FULLY_CONNECTED", [source, weights, draw.bias(source, weights, filters)],
                   [1, filters], FusedActivationFunction=draw.activation())


def halves(draw):
    """A fully connected layer with powers of two for scales: sums lie on halves of a step."""
    length, filters = int(np.prod(draw.image)), draw.whole(1, 12)
    source = draw.input([1, length], scale=2.0 ** -draw.whole(2, 4))
    centre = 128 if draw.dtype == "uint8" else 0
    data = draw.rng.integers(-9, 10, [filters, length]) + centre
    weights = draw.model.tensor(data.shape, draw.dtype, 2.0 ** -draw.whole(2, 4), centre, data)
    return draw.op("FULLY_CONNECTED", [source, weights, draw.bias(source, weights, filters)],
                   [1, filters], scale=2.0 ** -draw.whole(0, 2))


def per_pixel(draw):
    """A fully connected layer that keeps the dimensions: each pixel by itself."""
    filters, image = draw.whole(1, 12), draw.image
    source, weights = draw.input(), draw.weights([filters, image[3]], 0)
    return draw.op("FULLY_CONNECTED", [source, weights, draw.bias(source, weights, filters)],
                   [*image[:3], filters], KeepNumDims=True)


def pool(op):
    def build(draw):
        same = draw.same()
        options = draw.geometry(FilterHeight=draw.kernel[0], FilterWidth=draw.kernel[1])
        return draw.op(op, [draw.input(**same)], [1, *draw.windows(), draw.image[3]], **same,
                       **options)
    return build


def mean(draw):
    axes = [[1, 2], [2, 1], [-3, -2], [1], [2]][draw.whole(0, 4)]
    over, keep = {axis % 4 for axis in axes}, draw.chance(0.5) or len(axes) == 1
    shape = [1 if axis in over else size for axis, size in enumerate(draw.image)
             if keep or axis not in over]
    return draw.op("MEAN", [draw.input(), draw.model.constant(axes)], shape,
                   scale=draw.scale(), KeepDims=keep)


def add(draw):
    return draw.op("ADD", [draw.input(), draw.input()], draw.image,
                   FusedActivationFunction=draw.activation())


def concatenation(draw):
    same, sources = draw.same(), []
    for _ in range(draw.whole(2, 3)):
        free = draw.dtype == "uint8" and draw.chance(0.7)
        sources.append(draw.input([*draw.image[:3], draw.whole(1, 5)],
                                  **({} if free else same)))
    channels = sum(draw.model.tensors[source]["shape"][3] for source in sources)
    return draw.op("CONCATENATION", sources, [*draw.image[:3], channels], **same, Axis=3)


def softmax(draw):
    shape = draw.image if draw.chance(0.5) else [1, draw.image[3] + 1]
    return draw.op("SOFTMAX", [draw.input(shape, scale=draw.scale(-6, 1))], shape, scale=1 / 256,
                   zero=0 if draw.dtype == "uint8" else -128,
                   Beta=float(draw.rng.choice([0.5, 1, 2])))


def function(op, scale=None, zero=None):
    def build(draw):
        out = {"scale": scale or draw.scale(), "zero": draw.zero() if zero is None else zero}
        out["zero"] += 128 if draw.dtype == "uint8" and zero is not None else 0
        return draw.op(op, [draw.input(EVERY)], EVERY, **out)
    return build


def requantise(draw):
    dtype = ("int8", "uint8")[draw.whole(0, 1)]
    return draw.op("QUANTIZE", [draw.input(EVERY)], EVERY, dtype=dtype, scale=draw.scale(),
                   zero=draw.zero(dtype))


def float_ports(draw):
    """QUANTIZE, something, DEQUANTIZE, now and then QUANTIZE again."""
    same = {"scale": 2.0**-4 if draw.chance(0.5) else draw.scale(), "zero": draw.zero()}
    source = draw.model.input(draw.image, "float32", None)
    value = draw.op("QUANTIZE", [source], draw.image, **same)
    value = draw.op("MAX_POOL_2D", [value], draw.image, FilterHeight=1, FilterWidth=1, **same)
    value = draw.op("DEQUANTIZE", [value], draw.image, dtype="float32", scale=None)
    return draw.op("QUANTIZE", [value], draw.image) if draw.chance(0.4) else value


def pad(draw):
    same, image = draw.same(), draw.image
    top, bottom, left, right = (draw.whole(0, 2) for _ in range(4))
    shape = [1, image[1] + top + bottom, image[2] + left + right, image[3]]
    sizes = draw.model.constant([[0, 0], [top, bottom], [left, right], [0, 0]])
    source = draw.input(**same)
    value = draw.op("PAD", [source, sizes], shape, **same)
    if draw.chance(0.5):
        return value
    draw.padding, filters = tflite.Padding.VALID, draw.whole(1, 5)
    weights = draw.weights([filters, *draw.kernel, image[3]], 0)
    return draw.op("CONV_2D", [value, weights, draw.bias(source, weights, filters)],
                   [1, *draw.windows(shape), filters], **draw.geometry())


def reshape(draw):
    same = draw.same()
    return draw.op("RESHAPE", [draw.input(**same), draw.model.constant([1, -1])],
                   [1, int(np.prod(draw.image))], **same)


def free_reshape(draw):
    """What a converter makes of flattening with a free batch: the shape is computed."""
    same, length = draw.same(), int(np.prod(draw.image))
    source, ints = draw.input(**same), {"dtype": "int32", "scale": None}
    shape = draw.op("SHAPE", [source], [4], **ints)
    batch = draw.op("STRIDED_SLICE", [shape, *map(draw.model.constant, ([0], [1], [1]))], [],
                    **ints)
    shape = draw.op("PACK", [batch, draw.model.constant(length)], [2], **ints)
    return draw.op("RESHAPE", [source, shape], [1, length], **same)


KINDS = {
    "conv": conv, "depthwise": depthwise, "fully_connected": fully_connected, "halves": halves,
    "per_pixel": per_pixel, "average_pool": pool("AVERAGE_POOL_2D"),
    "max_pool": pool("MAX_POOL_2D"), "mean": mean, "add": add, "concatenation": concatenation,
    "softmax": softmax, "relu": function("RELU"), "relu6": function("RELU6"),
    "relu_n1": function("RELU_N1_TO_1"), "tanh": function("TANH", 1 / 128, 0),
    "logistic": function("LOGISTIC", 1 / 256, -128), "hard_swish": function("HARD_SWISH"),
    "requantise": requantise, "float_ports": float_ports, "pad": pad, "reshape": reshape,
    "free_reshape": free_reshape,
}  # fmt: skip


def draw(kind, seed):
    """Return the bytes of a random model and images for its inputs."""
    made = Draw([list(KINDS).index(kind), seed])
    made.model.output(KINDS[kind](made))
    return made.model.content(), made.inputs()
