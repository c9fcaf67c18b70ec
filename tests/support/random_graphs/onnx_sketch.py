"""Random quantised ONNX networks of several operators, as exporters write them.

A :class:`Sketch` grows a network step by step.  A step is a function that adds nodes and a
quantised value; ONNX Runtime then computes what is there, which gives the value's shape and says
whether the step was a good one: what it refuses, what grows too large or saturates to a few bytes
is drawn again.  The steps are in onnx_layers.py and onnx_moves.py.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

from accel.onnx_session import session
from tests.support.onnx_pairs import KINDS, Net

#: Elements of a value, and bytes of constants of a network, at most.
MOST, WEIGHTS = 1500, 6000
#: A value of so many elements or more has at least so many different bytes.
ELEMENTS, DIFFERENT = 24, 9
#: Steps that are tried for every one that is taken.
TRIES = 12


@dataclasses.dataclass
class Value:
    """A quantised tensor: names, and what they stand for; the zero point is that of int8 bytes."""

    name: str
    params: list[str]
    scale: float
    zero: int
    dtype: type
    shape: tuple[int, ...] = ()
    used: bool = False


class Sketch:
    """A network under construction.

    Parameters:
        rng: source of everything.

    Attributes:
        net: nodes, inputs, constants.
        values: quantised ones, the last one last.
        near: names of values that may be a step off, with what made them.
        ends: names of outputs that are not quantised values, with their types.
        form: "qdq", "qoperator", or "mixed".
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        dtype = self.choose([np.int8, np.uint8])
        self.net = Net(dtype, self.choose([13, 15, 17, 18, 19, 21]))
        self.form = self.choose(["qdq", "qdq", "qoperator", "mixed"])
        self.batch = self.choose([1, "N"])
        self.values, self.near, self.ends, self.taken = [], {}, {}, []
        self._count = 0

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def choose(self, values):
        return values[int(self.rng.integers(len(values)))]

    def name(self, what="t") -> str:
        """A name of its own."""
        self._count += 1
        return f"{what}{self._count}"

    def zero(self) -> int:
        return self.choose([-128, 0, self.whole(-128, 127), self.whole(-40, 40)])

    def source(self, *ranks: int) -> Value:
        """Mostly the last value, if it has one of these ranks (without the batch)."""
        found = [one for one in self.values if len(one.shape) in ranks]
        if not found:
            raise ValueError("no such value")
        return found[-1] if self.chance(0.75) else self.choose(found)

    def qoperator(self) -> bool:
        """Whether the next operator is in the QOperator form."""
        return self.form == "qoperator" or self.form == "mixed" and self.chance(0.5)

    def real(self, value: Value) -> str:
        """A value as float, behind a DequantizeLinear."""
        value.used = True
        return self.net.node("DequantizeLinear", [value.name, *value.params], self.name("real"))

    def bytes(self, value: Value) -> list[str]:
        """A value's name, scale and zero point, as operators on integers take them."""
        value.used = True
        return [value.name, *value.params]

    def node(self, op, inputs, **attributes) -> str:
        return self.net.node(op, inputs, self.name(op.lower()), **attributes)

    def const(self, values, dtype=np.int64) -> str:
        return self.net.const(self.name("c"), values, dtype)

    def value(self, scale: float, zero: int | None = None, near: str | None = None,
              dtype=None) -> Value:
        """A new value that no node makes yet, of the network's type or another."""
        name, zero = self.name("v"), self.zero() if zero is None else zero
        dtype = dtype or self.net.dtype
        made = Value(name, self.net.params(name, np.float32(scale), zero, dtype), scale, zero,
                     dtype)
        self.values.append(made)
        if near:
            self.near[name] = near
        return made

    def like(self, value: Value) -> Value:
        """A new value of the same scale and zero point, with the same parameters in the file."""
        made = dataclasses.replace(value, name=self.name("v"), used=False)
        self.values.append(made)
        return made

    def quantise(self, real: str, scale: float, zero=None, near: str | None = None) -> Value:
        """The value that a QuantizeLinear makes of a float; now and then of the other type."""
        dtype = self.choose([np.int8, np.uint8]) if self.chance(0.08) else self.net.dtype
        made = self.value(scale, zero, near, dtype)
        self.net.node("QuantizeLinear", [real, *made.params], made.name)
        return made

    def about(self, spread: float) -> float:
        """A scale for numbers of a standard deviation."""
        return float(spread) / 50 * 2 ** self.rng.uniform(-0.7, 1)

    def begin(self) -> None:
        """The network's input: an image, mostly, or a line or vector; float or bytes."""
        channels = self.choose([1, 2, 3, 4, 6, 8, 9, 12, 16])
        draw = self.rng.random()
        size = [self.whole(3, 10), self.whole(3, 10)] if draw < 0.8 else [self.whole(5, 20)]
        self.input([channels, *size] if draw < 0.95 else [self.whole(4, 40)])

    def input(self, shape) -> Value:
        """A new input of the network."""
        scale, name = float(np.float32(2.0 ** self.rng.uniform(-7, -3))), self.name("x")
        if self.chance(0.5):
            self.net.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                                                 [self.batch, *shape]))
            made = self.quantise(name, scale)
        else:
            made = self.value(scale)
            made.name = name
            self.net.inputs.append(helper.make_tensor_value_info(name, KINDS[self.net.dtype],
                                                                 [self.batch, *shape]))
        made.shape = tuple(shape)
        return made

    def proto(self, wanted=None) -> onnx.ModelProto:
        """The model; its outputs are all values that nothing reads, near ones, and ends."""
        given = {value.name for value in self.net.inputs}
        if wanted is None:
            wanted = [one.name for one in self.values
                      if (not one.used or one.name in self.near) and one.name not in given]
        dtypes = {one.name: one.dtype for one in self.values}
        kinds = {name: KINDS[dtypes[name]] for name in wanted} | self.ends
        self.net.outputs = [helper.make_tensor_value_info(name, kind, None)
                            for name, kind in kinds.items()]
        return self.net.proto()

    def images(self, count: int, rng) -> dict[str, np.ndarray]:
        """Random inputs; those of float are about as large as what the bytes can hold."""
        scales = {one.name: one.scale for one in self.values}
        made = {}
        for value in self.net.inputs:
            kind = value.type.tensor_type
            shape = [count, *(dim.dim_value for dim in kind.shape.dim[1:])]
            if kind.elem_type == TensorProto.FLOAT:
                scale = next(scales[node.output[0]] for node in self.net.nodes
                             if node.input[0] == value.name)
                made[value.name] = rng.normal(0, 60 * scale, shape).astype(np.float32)
            else:
                raw = rng.integers(0, 256, shape).astype(np.uint8)
                made[value.name] = raw.view(self.net.dtype)
        return made

    def _state(self):
        net = self.net
        return [[*each] for each in (net.inputs, net.nodes, net.initializers, self.values)], [
            one.used for one in self.values], dict(self.near), dict(self.ends)

    def _restore(self, state) -> None:
        (self.net.inputs, self.net.nodes, self.net.initializers, self.values), used, *rest = state
        for one, was in zip(self.values, used, strict=True):
            one.used = was
        self.near, self.ends = rest

    def step(self, steps: dict[str, tuple[Callable, float]]) -> bool:
        """Add one random step of those by name, with weights; False if no good one was found."""
        shares = np.array([weight for _, weight in steps.values()])
        for _ in range(TRIES):
            state, before = self._state(), {one.name for one in self.values}
            name = str(self.rng.choice([*steps], p=shares / shares.sum()))
            try:
                steps[name][0](self)
                made = [one for one in self.values if one.name not in before]
                good = self._measure(made)
            except (ValueError, ZeroDivisionError):  # no such value, nor such a window
                good = False
            except Exception as error:  # onnxruntime raises what it likes
                if "onnxruntime" not in type(error).__module__:
                    raise
                good = False
            if good:
                self.taken.append(name)
                return True
            self._restore(state)
        return False

    def _measure(self, made: list[Value]) -> bool:
        """Have ONNX Runtime compute new values; whether they are as they should be."""
        if sum(len(one.raw_data) for one in self.net.initializers) > WEIGHTS:
            return False
        given = self.images(1, np.random.default_rng(7))
        names = {one.name for one in self.net.inputs}
        wanted = [one for one in made if one.name not in names]
        found = session(self.proto([one.name for one in wanted])).run(None, given)
        for one, values in zip(wanted, found, strict=False):
            one.shape = values.shape[1:]
            if values.shape[0] != 1 or not values.size or values.size > MOST or values.ndim > 4:
                return False
            if values.size >= ELEMENTS and len(np.unique(values)) < DIFFERENT:
                return False
        return True
