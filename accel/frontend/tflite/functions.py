"""Functions of one byte as tables, whose 256 entries LiteRT computes.

Where an operator looks at one element at a time, and all that it reads beside it is one number
each, its results for all bytes say everything about it.
"""

import dataclasses

import numpy as np

from accel import litert
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite.build import RANGES, TABLE_COST
from accel.frontend.tflite.file import NUMBERS
from accel.frontend.tflite.records import Operator
from accel.frontend.tflite.values import Chain, Dequantised
from accel.frontend.tflite.view import View
from accel.frontend.tflite.writing import write
from accel.graph.ir import Table
from accel.graph.ports import recentre

#: How many numbers a byte can be, as the image in which LiteRT is given them.
_EVERY = (1, 16, 16, 1)
#: Asking LiteRT costs as much as so many tables.
_ASKING = 4


@runs("table", EXACT, "of one tensor and single numbers; in float, a whole chain between DEQUANTIZE"
      " and QUANTIZE")
def function(op: View) -> None:
    """Any operator on one element at a time, of one image and numbers."""
    op.require(len(op.operator.outputs) == 1, "must have one output", len(op.operator.outputs))
    computed = _computed(op)
    op.require(len(computed) == 1, "must have one input that is computed", len(computed))
    alone = op.viewing(*computed)
    source, target = alone.source(), alone.target()
    op.require(source.size == target.size, "output must have the input's elements", target.size)
    values = _values(op, [op.operator], alone.operator.inputs[0])
    op.add(Table(op.name, source.name, target.name, values, op=op.op.lower()))


def begins(op: View) -> bool:
    """Whether an operator is one of a chain of functions of one byte, in float."""
    values = [op.builder.values.get(index) for index in op.operator.inputs]
    return op.op in _CHAINED and any(
        isinstance(value, Chain) or isinstance(value, Dequantised) and value.tensor is not None
        for value in values
    )


def chain(op: View) -> None:
    """An operator in float on one element at a time, between DEQUANTIZE and QUANTIZE."""
    op.require(len(op.operator.outputs) == 1, "must have one output", len(op.operator.outputs))
    op.require(op.result.dtype == "float32", "output must be float32", op.result.dtype)
    found = [_chain(op, at) for at in _computed(op)]
    for at in _computed(op):
        op.require(op.record(at).shape == op.result.shape, f"{op.title(at)} must have the output's "
                   f"shape {list(op.result.shape)}", list(op.record(at).shape))
    first = found[0]
    op.require(len({one.tensor.name for one in found}) == 1,
               "all of its inputs must come from one image", len(found))
    operators = {one.index: one for other in found for one in other.operators}
    operators[op.operator.index] = op.operator
    op.spend(16 * len(operators))
    ordered = tuple(operators[number] for number in sorted(operators))
    op.builder.values[op.result.index] = Chain(first.tensor, first.index, ordered)


def quantised(op: View, found: Chain) -> None:
    """The end of a chain: QUANTIZE."""
    target = op.other()
    main = [one.op for one in found.operators if one.op != "DEQUANTIZE"]
    title = main[0].lower() if len(main) == 1 else f"function ({len(main)} operators)"
    values = _values(op, [*found.operators, op.operator], found.index)
    op.add(Table(op.name, found.tensor.name, target.name, values, op=title))


def _computed(op: View) -> list[int]:
    """Inputs that are computed; all others must be one number."""
    given = [at for at, index in enumerate(op.operator.inputs) if index != -1]
    for at in given:
        shape, dtype = list(op.record(at).shape), op.record(at).dtype
        op.require(dtype in NUMBERS, f"{op.title(at)} must hold numbers", dtype)
        op.require(op.record(at).data is None or all(size == 1 for size in shape),
                   f"{op.title(at)} must be one number", shape)
    return [at for at in given if op.record(at).data is None]


def _chain(op: View, at: int) -> Chain:
    found, index = op.value(at), op.operator.inputs[at]
    if isinstance(found, Dequantised) and found.tensor is not None:
        maker = op.builder.maker[index]
        return Chain(found.tensor, maker.inputs[0], (maker,))
    op.require(isinstance(found, Chain), f"{op.title(at)} must come from int8 or uint8",
               type(found).__name__.lower())
    return found


def _values(op: View, operators: list[Operator], source: int) -> np.ndarray:
    """What operators make of each byte that a tensor can be, in the order of a table."""
    op.spend(_ASKING * TABLE_COST)
    tensors, target = op.builder.contents.tensors, operators[-1].outputs[0]
    records = {}
    for operator in operators:
        for index in (*operator.inputs, *operator.outputs):
            if index != -1:
                constant = tensors[index].data is not None
                records[index] = tensors[index] if constant else dataclasses.replace(
                    tensors[index], shape=_EVERY)
    model = write(records, operators, [source], [target])
    given, made = tensors[source].dtype, tensors[target].dtype
    every = np.arange(RANGES[given][0], RANGES[given][1] + 1).astype(given).reshape(_EVERY)
    try:
        [answer] = litert.Interpreter(model).run([every])
    except litert.LiteRTError as error:
        raise op.error(f"its values must be LiteRT's: {error}") from None
    op.require(answer.shape == _EVERY and answer.dtype == made,
               f"LiteRT's answer must be {made} {list(_EVERY)}",
               f"{answer.dtype} {list(answer.shape)}")
    return recentre(answer.ravel()) if made == "uint8" else answer.ravel()


#: Operators on one element at a time that have no handler of their own.
HANDLERS = dict.fromkeys((
    "ABS", "CEIL", "COS", "DIV", "ELU", "EXP", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "GELU",
    "LEAKY_RELU", "LOG", "NEG", "POW", "RELU_0_TO_1", "ROUND", "RSQRT", "SIGN", "SIN", "SQRT",
    "SQUARE", "SQUARED_DIFFERENCE",
), function)  # fmt: skip
#: Operators on one element at a time in float.
_CHAINED = {*HANDLERS, "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "RELU", "RELU6",
            "RELU_N1_TO_1", "LOGISTIC", "TANH", "HARD_SWISH"}  # fmt: skip
