"""Functions of one byte as tables, whose 256 entries LiteRT computes.

Where an operator looks at one element at a time, and all that it reads beside it is one number
each, its results for all bytes say everything about it.
"""

import dataclasses

import numpy as np

from accel import litert
from accel.frontend.tflite.build import RANGES, TABLE_COST, View
from accel.frontend.tflite.writing import write
from accel.graph.ir import Table
from accel.graph.ports import recentre

#: How many numbers a byte can be, as the image in which LiteRT is given them.
_EVERY = (1, 16, 16, 1)
#: Asking LiteRT costs as much as so many tables.
_ASKING = 4


def function(op: View) -> None:
    """Any operator on one element at a time, of one image and numbers."""
    op.require(len(op.operator.outputs) == 1, "must have one output", len(op.operator.outputs))
    computed = [at for at, index in enumerate(op.operator.inputs)
                if index != -1 and op.record(at).data is None]
    op.require(len(computed) == 1, "must have one input that is computed", len(computed))
    [at] = computed
    for other in range(len(op.operator.inputs)):
        if other != at and op.operator.inputs[other] != -1:
            shape = list(op.record(other).shape)
            op.require(all(size == 1 for size in shape), f"{op.title(other)} must be one number",
                       shape)
    alone = op.viewing(at)
    source, target = alone.source(), alone.target()
    op.require(source.size == target.size, "output must have the input's elements", target.size)
    op.add(Table(op.name, source.name, target.name, _values(op, at), op=op.op.lower()))


def _values(op: View, at: int) -> np.ndarray:
    """What the operator makes of each byte that input ``at`` can be, in the table's order."""
    op.spend(_ASKING * TABLE_COST)
    operator, tensors = op.operator, op.builder.contents.tensors
    records = {index: tensors[index] for index in operator.inputs if index != -1}
    for index in (operator.inputs[at], operator.outputs[0]):
        records[index] = dataclasses.replace(tensors[index], shape=_EVERY)
    model = write(records, [operator], [operator.inputs[at]], operator.outputs)
    dtype = op.record(at).dtype
    every = np.arange(RANGES[dtype][0], RANGES[dtype][1] + 1).astype(dtype).reshape(_EVERY)
    try:
        [answer] = litert.Interpreter(model).run([every])
    except litert.LiteRTError as error:
        raise op.error(f"its values must be LiteRT's: {error}") from None
    op.require(answer.shape == _EVERY and answer.dtype == dtype,
               f"LiteRT's answer must be {dtype} {list(_EVERY)}",
               f"{answer.dtype} {list(answer.shape)}")
    return recentre(answer.ravel()) if dtype == "uint8" else answer.ravel()


#: Operators on one element at a time that have no handler of their own.
HANDLERS = dict.fromkeys((
    "ABS", "CEIL", "COS", "DIV", "ELU", "EXP", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "GELU",
    "LEAKY_RELU", "LOG", "MAXIMUM", "MINIMUM", "NEG", "POW", "RELU_0_TO_1", "ROUND", "RSQRT",
    "SIGN", "SIN", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SUB",
), function)  # fmt: skip
