"""Random quantised TFLite networks: the operators of the single-operator tests, one behind another.

A :class:`Chain` is what those operators draw their models from.  It gives them earlier tensors
where they ask for an input, as they are, or bridged to the shape and scale that is asked for.  What
LiteRT refuses, what grows too large or saturates to a few bytes is drawn again.
"""

import numpy as np

from accel import litert
from tests.support import tflite_builtins, tflite_pairs, tflite_random
from tests.support.random_graphs.case import Case
from tests.support.tflite_pairs import Chosen
from tests.support.tflite_random import EVERY

#: Elements of a tensor, bytes of constants and steps of a network, at most; inputs of a network.
MOST, WEIGHTS, STEPS, INPUTS = 1500, 6000, 10, 3
#: A tensor of so many elements or more has at least so many different bytes.
ELEMENTS, DIFFERENT = 24, 9
#: Steps that are tried for every one that is taken.
TRIES = 12
QUANTISED = ("int8", "uint8")
#: Of these LiteRT has no reference kernels; it then computes the whole network with its others.
NO_REFERENCE = ("CEIL", "ELU", "ROUND")
#: Steps by name: a function, and options that a row of it is drawn from.
CHOSEN = {name: (build, options) for name, (options, build, _) in (
    tflite_builtins.OPERATORS | {name: tflite_pairs.OPERATORS[name] for name in (
        "fully_connected", "pad", "pair", "mean")}).items()}  # fmt: skip
PLAIN = {name: (build, {}) for name, build in tflite_random.KINDS.items()
         if name not in ("halves", "free_reshape")}
#: How often a step is drawn, where that is not once.
OFTEN = {"conv": 6, "depthwise": 3, "pair": 4, "mul": 2, "concatenation": 2, "transpose_conv": 2,
         "fully_connected": 0.7, "cast": 0.3, "compared": 0.3, "arg": 0.3, "softmax": 0.5,
         "reshape": 0.3, "reduce": 0.5, "mean": 0.4, "float_ports": 0.5, "max_pool": 2,
         "average_pool": 2, "moved": 0.6, "real": 0.6, "per_pixel": 1}  # fmt: skip


class Chain(Chosen):
    """A network under construction, from which operators draw.

    Parameters:
        seed: of everything.

    Attributes:
        taken: the steps that it consists of.
    """

    def __init__(self, seed):
        super().__init__({}, seed)
        self.taken = []
        self.known = [super().input([1, self.whole(3, 9), self.whole(3, 9),
                                     int(self.rng.choice([1, 2, 3, 4, 5, 8, 12, 16]))])]

    def _like(self, index, shape, fields) -> bool:
        """Whether a tensor has a shape, this type and these scales."""
        tensor = self.model.tensors[index]
        return (tensor["dtype"], tensor["shape"]) == (self.dtype, [*shape]) and all(
            tensor[name] == value for name, value in fields.items())

    def last(self) -> int:
        """The last tensor."""
        return self.known[-1]

    def input(self, shape=None, **fields):
        """A tensor of a shape and perhaps scale: a known one, bridged if need be, or an input."""
        shape = self.image if shape is None or shape == EVERY else [*shape]
        found = [index for index in self.known if self._like(index, shape, fields)]
        if self.last() in found and self.chance(0.7):
            return self.last()
        if found and self.chance(0.8):
            return found[self.whole(0, len(found) - 1)]
        if len(self.model.inputs) < INPUTS and self.chance(0.3):
            self.known.insert(0, super().input(shape, **fields))
            return self.known[0]
        return found[-1] if found else self.bridge(shape, fields)

    def bridge(self, shape, fields) -> int:
        """The last tensor, in another shape or of another scale."""
        tensor = self.model.tensors[self.last()]
        same = {"scale": tensor["scale"], "zero": tensor["zero"]}
        wanted, index, size = {**same, **fields}, self.last(), int(np.prod(shape))
        if size == np.prod(tensor["shape"]) and wanted == same:
            return self.op("RESHAPE", [index, self.model.constant(shape)], shape, **same)
        if len(shape) != 4 or len(tensor["shape"]) != 4:
            length = int(np.prod(tensor["shape"]))
            weights = self.weights([size, length], 0)
            index = self.op("FULLY_CONNECTED", [index, weights], [1, size], **wanted)
            return index if [1, size] == shape else self.op(
                "RESHAPE", [index, self.model.constant(shape)], shape, **wanted)
        _, height, width, channels = tensor["shape"]
        image = [1, *shape[1:3], channels]
        if image != tensor["shape"] and shape[1] <= height and shape[2] <= width:
            index = self.op("SLICE", [index, *map(self.model.constant, ([0] * 4, image))], image,
                            **same)
        elif image != tensor["shape"]:
            index = self.op("RESIZE_NEAREST_NEIGHBOR", [index, self.model.constant(shape[1:3])],
                            image, **same)
        if shape == image and wanted == same:
            return index
        weights = self.weights([shape[3], 1, 1, channels], 0)
        bias = self.bias(index, weights, shape[3])
        return self.op("CONV_2D", [index, weights, bias], shape, **wanted)

    def op(self, op, inputs, shape, **fields):
        """An operator's output; a shape of nothing is no shape."""
        shape = self.image if [*shape] == EVERY else [int(size) for size in shape]
        if min(shape, default=1) < 1 or np.prod(shape) > MOST:
            raise ValueError(f"shape {shape}")
        made = super().op(op, inputs, shape, **fields)
        tensor = self.model.tensors[made]
        if tensor["dtype"] in QUANTISED and tensor["scale"] is not None:
            self.known.append(made)
        return made

    def same(self):
        """The last tensor's scale and zero point, mostly."""
        tensor = self.model.tensors[self.last()]
        if tensor["dtype"] == self.dtype and self.chance(0.8):
            return {"scale": tensor["scale"], "zero": tensor["zero"]}
        return super().same()

    def begin_step(self, options) -> None:
        """Draw a row of options, and windows that fit the last image."""
        images = [index for index in self.known if len(self.model.tensors[index]["shape"]) == 4]
        if self.chance(0.2):  # go on from an earlier one
            self.known.append(images[self.whole(0, len(images) - 1)])
        tensor = self.model.tensors[self.last()]
        self.dtype = tensor["dtype"]
        shape = tensor["shape"]
        self.image = [*shape] if len(shape) == 4 else [1, self.whole(2, 5), self.whole(2, 5), 4]
        row = {name: values[self.whole(0, len(values) - 1)] for name, values in options.items()}
        if row.get("op") in NO_REFERENCE:
            raise ValueError(row["op"])
        self.row = {
            "activation": self.whole(0, 3), "per channel": self.chance(0.5),
            "weight zero": int(self.rng.choice([128, self.whole(0, 255)])), **row,
            "dtype": self.dtype, "image": self.image,
        }  # fmt: skip
        self.padding = row.get("padding", self.whole(0, 1))
        sizes = self.image[1:3]
        self.kernel = row.get("kernel", [self.whole(1, min(3, size)) for size in sizes])
        self.stride = row.get("stride", [self.whole(1, 3), self.whole(1, 3)])
        self.dilation = row.get("dilation", [1, 1])

    def _state(self):
        model = self.model
        return [[*each] for each in (model.tensors, model.operators, model.inputs, model.buffers,
                                     self.known)]

    def _restore(self, state) -> None:
        model = self.model
        (model.tensors, model.operators, model.inputs, model.buffers, self.known) = state

    def step(self, rng) -> bool:
        """Add one random step; False if none of those tried was a good one."""
        names = [*(("plain", name) for name in PLAIN), *(("chosen", name) for name in CHOSEN)]
        shares = np.array([OFTEN.get(name, 1.0) for _, name in names])
        for _ in range(TRIES):
            state = self._state()
            kind, name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
            build, options = (PLAIN if kind == "plain" else CHOSEN)[name]
            try:
                self.begin_step(options)
                build(self)
                good = self._measure(len(state[1]), state[2])
            except (ValueError, ZeroDivisionError, IndexError, litert.LiteRTError):
                good = False  # no such window, or LiteRT knows no such operator
            if good:
                self.taken.append(name)
                return True
            self._restore(state)
        return False

    def _measure(self, first: int, inputs) -> bool:
        """Have LiteRT compute what the operators from ``first`` on made; whether that is good."""
        model = self.model
        if model.inputs[: len(inputs)] != inputs or sum(map(len, model.buffers)) > WEIGHTS:
            return False
        made = [index for one in model.operators[first:] for index in one["outputs"]]
        model.outputs = made
        given = self.images(1, np.random.default_rng(7))
        found = litert.Interpreter(model.content()).run([*given.values()])
        model.outputs = []
        for index, values in zip(made, found, strict=True):
            if [*values.shape] != model.tensors[index]["shape"]:
                return False
            if model.tensors[index]["dtype"] in QUANTISED and values.size >= ELEMENTS \
                    and len(np.unique(values)) < DIFFERENT:  # fmt: skip
                return False
        return True

    def finish(self) -> bytes:
        """The file; its outputs are all that nothing reads."""
        read = {index for one in self.model.operators for index in one["inputs"]}
        self.model.outputs = [index for one in self.model.operators for index in one["outputs"]
                              if index not in read]
        return self.model.content()

    def images(self, count: int, rng) -> dict[str, np.ndarray]:
        """Random inputs, by name."""
        given = {}
        for tensor in (self.model.tensors[index] for index in self.model.inputs):
            shape = (count, *tensor["shape"][1:])
            if tensor["dtype"] == "float32":
                values = rng.integers(-2500, 2500, shape) / np.float32(32)
            else:
                info = np.iinfo(tensor["dtype"])
                values = rng.integers(info.min, info.max + 1, shape)
            given[tensor["name"]] = values.astype(tensor["dtype"])
        return given


def draw(seed: int, number: int, most: int = STEPS) -> Case:
    """Network ``number`` of ``seed``, or the one of its first ``most`` steps."""
    chain, rng = Chain([3, seed, number]), np.random.default_rng([4, seed, number])
    for _ in range(min(int(rng.integers(3, STEPS + 1)), most)):
        chain.step(rng)
    rng = np.random.default_rng([2, seed, number])
    given = chain.images(int(rng.integers(1, 4)), rng)
    return Case("tflite", chain.finish(), given, {}, chain.taken)
