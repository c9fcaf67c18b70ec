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


def pair(op):
    """Two images, an image and a pixel, or an image and constants, in either order."""
    def build(draw):
        alike = draw.same() if op in ("MAXIMUM", "MINIMUM") else {}
        source, pixel = draw.input(**alike), [1, 1, 1, draw.image[3]]
        kind = draw.whole(0, 3)
        if kind < 2:
            other = draw.input(pixel if kind else None, **alike)
        else:
            info = np.iinfo(draw.dtype)
            shape = [] if kind == 2 else pixel[draw.whole(0, 3):]
            other = draw.model.tensor(
                shape, draw.dtype, alike.get("scale", draw.scale()), alike.get("zero", draw.zero()),
                draw.rng.integers(info.min, info.max + 1, shape),
            )  # fmt: skip
        inputs = [source, other] if draw.chance(0.5) else [other, source]
        fused = {} if alike else {"FusedActivationFunction": draw.activation()}
        return draw.op(op, inputs, draw.image, **alike, **fused)
    return build


def prelu(draw):
    """Slopes of the channels, or one; up to 1 as they usually are, or not."""
    channels = draw.image[3] if draw.chance(0.7) else 1
    info, scale, zero = np.iinfo(draw.dtype), draw.scale(-8, -6), draw.zero()
    if draw.chance(0.5):
        scale, zero = 1 / 128, 128 if draw.dtype == "uint8" else 0
    slopes = draw.model.tensor([1, 1, channels], draw.dtype, scale, zero,
                               draw.rng.integers(info.min, info.max + 1, channels))
    return draw.op("PRELU", [draw.input(), slopes], draw.image)


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


def _joined(draw, sources, shape, axis, same):
    return draw.op("CONCATENATION", sources, shape, **same, Axis=axis)


def slice_(draw):
    same, image = draw.same(), draw.image
    begin = [0, *(draw.whole(0, size - 1) for size in image[1:])]
    size = [1, *(draw.whole(1, n - first) for n, first in zip(image[1:], begin[1:], strict=True))]
    given = [-1 if first + n == total and draw.chance(0.5) else n
             for first, n, total in zip(begin, size, image, strict=True)]
    return draw.op("SLICE", [draw.input(**same), *map(draw.model.constant, (begin, given))], size,
                   **same)


def strided_slice(draw):
    same, image = draw.same(), draw.image
    strides = [1, draw.whole(1, 3), draw.whole(1, 3), 1]
    begin = [0, *(draw.whole(0, size - 1) for size in image[1:])]
    end = [1, *(draw.whole(first + 1, size)
                for first, size in zip(begin[1:], image[1:], strict=True))]
    masks = {"BeginMask": draw.whole(0, 15), "EndMask": draw.whole(0, 15), "ShrinkAxisMask": 0}
    if draw.chance(0.4):
        masks["ShrinkAxisMask"] = 1 << draw.whole(1, 3)
    shape = []
    for n, total in enumerate(image):
        if masks["ShrinkAxisMask"] >> n & 1:
            continue
        first = 0 if masks["BeginMask"] >> n & 1 else begin[n]
        last = total if masks["EndMask"] >> n & 1 else end[n]
        shape.append(len(range(first, last, strides[n])))
    numbers = [[value - total if draw.chance(0.3) and value < total else value
                for value, total in zip(values, image, strict=True)] for values in (begin, end)]
    return draw.op("STRIDED_SLICE", [draw.input(**same), *map(draw.model.constant,
                                                               (*numbers, strides))],
                   shape, **same, **masks)


def split(draw):
    same, axis, count = draw.same(), draw.whole(1, 3), draw.whole(2, 3)
    image = [*draw.image]
    image[axis] *= count
    source = draw.input(image, **same)
    at = draw.model.constant([axis if draw.chance(0.5) else axis - 4])
    parts = draw.model.split("SPLIT", [at, source], [draw.image] * count, dtype=draw.dtype, **same,
                             NumSplits=count)
    return _joined(draw, parts[::-1], image, axis, same)


def split_v(draw):
    same, axis = draw.same(), draw.whole(1, 3)
    sizes, image = [draw.whole(1, 4) for _ in range(draw.whole(2, 4))], [*draw.image]
    image[axis] = sum(sizes)
    given = [-1 if n == 1 and draw.chance(0.5) else size for n, size in enumerate(sizes)]
    shapes = [[*image[:axis], size, *image[axis + 1 :]] for size in sizes]
    source = draw.input(image, **same)
    parts = draw.model.split(
        "SPLIT_V", [source, *map(draw.model.constant, (given, [axis]))], shapes, dtype=draw.dtype,
        **same, NumSplits=len(sizes),
    )  # fmt: skip
    return _joined(draw, parts[::-1], image, axis, same)


def pack(draw):
    """UNPACK and PACK along perhaps another axis."""
    same, axis, image = draw.same(), draw.whole(1, 3), draw.image
    rest, count = image[:axis] + image[axis + 1 :], image[axis]
    parts = draw.model.split("UNPACK", [draw.input(**same)], [rest] * count, dtype=draw.dtype,
                             **same, Num=count, Axis=axis)
    axis = draw.whole(1, 3)
    return draw.op("PACK", parts, [*rest[:axis], count, *rest[axis:]], **same, ValuesCount=count,
                   Axis=axis)


def resize(draw):
    """By integer factors in every way that LiteRT knows and that repeats rows equally often."""
    same, image, corners = draw.same(), draw.image, draw.chance(0.2)
    factors = [draw.whole(1, 4) for _ in range(2)]
    sizes = [size * factor for size, factor in zip(image[1:3], factors, strict=True)]
    if corners:
        sizes = image[1:3] if draw.chance(0.5) else [1, 1]
    return draw.op("RESIZE_NEAREST_NEIGHBOR", [draw.input(**same), draw.model.constant(sizes)],
                   [1, *sizes, image[3]], **same, AlignCorners=corners,
                   HalfPixelCenters=not corners and draw.chance(0.5))


def depth_to_space(draw):
    same, block, (_, height, width, channels) = draw.same(), draw.whole(1, 3), draw.image
    return draw.op("DEPTH_TO_SPACE", [draw.input([1, height, width, channels * block**2], **same)],
                   [1, height * block, width * block, channels], **same, BlockSize=block)


def space_to_depth(draw):
    same, block, (_, height, width, channels) = draw.same(), draw.whole(1, 3), draw.image
    return draw.op("SPACE_TO_DEPTH", [draw.input([1, height * block, width * block, channels],
                                                 **same)],
                   [1, height, width, channels * block**2], **same, BlockSize=block)


def transpose_conv(draw):
    """Mostly as a converter writes it, at times an output that the input does not quite give."""
    filters, image = draw.whole(1, 5), draw.image
    kernel = [draw.whole(1, 4), draw.whole(1, 4)]
    sizes = []
    for size, reach, stride in zip(image[1:3], kernel, draw.stride, strict=True):
        sizes.append(size * stride if draw.padding == tflite.Padding.SAME
                     else (size - 1) * stride + reach)
    if draw.chance(0.3):  # as many outputs more (VALID) or fewer (SAME) as give the same inputs
        rests = [draw.whole(0, stride - 1) for stride in draw.stride]
        sign = -1 if draw.padding == tflite.Padding.SAME else 1
        sizes = [size + sign * rest for size, rest in zip(sizes, rests, strict=True)]
    weights, source = draw.weights([filters, *kernel, image[3]], 0), draw.input()
    inputs = [draw.model.constant([1, *sizes, filters]), weights, source]
    if draw.chance(0.7):
        inputs.append(draw.bias(source, weights, filters))
    # A fused activation came with version 4 of the operator.
    return draw.op("TRANSPOSE_CONV", inputs, [1, *sizes, filters], Padding=draw.padding,
                   StrideH=draw.stride[0], StrideW=draw.stride[1], FusedActivationFunction=0)


KINDS = {
    "conv": conv, "depthwise": depthwise, "fully_connected": fully_connected, "halves": halves,
    "per_pixel": per_pixel, "average_pool": pool("AVERAGE_POOL_2D"),
    "max_pool": pool("MAX_POOL_2D"), "mean": mean, "add": add, "concatenation": concatenation,
    "softmax": softmax, "relu": function("RELU"), "relu6": function("RELU6"),
    "relu_n1": function("RELU_N1_TO_1"), "tanh": function("TANH", 1 / 128, 0),
    "logistic": function("LOGISTIC", 1 / 256, -128), "hard_swish": function("HARD_SWISH"),
    "requantise": requantise, "float_ports": float_ports, "pad": pad, "reshape": reshape,
    "free_reshape": free_reshape, "slice": slice_, "strided_slice": strided_slice,
    "split": split, "split_v": split_v, "pack": pack, "resize": resize,
    "depth_to_space": depth_to_space, "space_to_depth": space_to_depth,
    "transpose_conv": transpose_conv,
    **{op.lower(): pair(op) for op in ("SUB", "MUL", "MAXIMUM", "MINIMUM")},
    "prelu": prelu,
}  # fmt: skip


def draw(kind, seed):
    """Return the bytes of a random model and images for its inputs."""
    made = Draw([list(KINDS).index(kind), seed])
    made.model.output(KINDS[kind](made))
    return made.model.content(), made.inputs()
