"""The options of operators: whatever table of the schema it is, as a record of its fields.

The machine's operators need some fields, the host gets all of them: so tables are read and written
field by field, by the names that the schema's generated classes have.
"""

import dataclasses
from collections.abc import Callable

import flatbuffers
import numpy as np
import tflite

#: Most elements of a field.
MOST = 4096


@dataclasses.dataclass(frozen=True)
class Options:
    """An options table: the schema's name of it ("" for none) and its fields by name.

    A field is a number, bytes (a text) or an array.
    """

    table: str = ""
    fields: dict[str, int | float | bool | bytes | np.ndarray] = dataclasses.field(
        default_factory=dict
    )


def _tables(union) -> dict[int, str]:
    return {number: name for name, number in vars(union).items()
            if isinstance(number, int) and number}


#: Names of the tables by their numbers, in the schema's two unions.
_FIRST, _SECOND = _tables(tflite.BuiltinOptions), _tables(tflite.BuiltinOptions2)
NUMBERS = {name: number for number, name in _FIRST.items()}


def _fields(table: str) -> list[str]:
    start = f"{table}Add"
    return [name.removeprefix(start) for name in vars(tflite)
            if name.startswith(start) and hasattr(getattr(tflite, table),
                                                  name.removeprefix(start))]


def read(operator, limit: Callable[[int, int, str], int]) -> Options:
    """The options of an operator of a file, which may be damaged: what accessors raise, passes.

    Args:
        operator: the schema's.
        limit: raises if its first argument is above its second.
    """
    for names, number, union in (
        (_FIRST, operator.BuiltinOptionsType(), operator.BuiltinOptions()),
        (_SECOND, operator.BuiltinOptions2Type(), operator.BuiltinOptions2()),
    ):
        if union is not None and number in names:
            kind = getattr(tflite, names[number])()
            kind.Init(union.Bytes, union.Pos)
            return Options(names[number], {field: _value(kind, field, limit)
                                           for field in _fields(names[number])})
    return Options()


def _value(kind, field: str, limit):
    if hasattr(kind, f"{field}AsNumpy"):
        limit(getattr(kind, f"{field}Length")(), MOST, f"the elements of {field}")
        array = getattr(kind, f"{field}AsNumpy")()
        return array if isinstance(array, np.ndarray) else np.zeros(0, np.int32)
    value = getattr(kind, field)()
    if isinstance(value, bytes):
        limit(len(value), MOST, f"the bytes of {field}")
    return b"" if value is None else value


def write(builder: flatbuffers.Builder, options: Options) -> dict[str, int]:
    """Write options; return the operator's fields that refer to them."""
    if not options.table:
        return {}
    fields = {}
    for name, value in options.fields.items():
        if isinstance(value, np.ndarray):
            if value.size:
                fields[name] = builder.CreateNumpyVector(np.ascontiguousarray(value))
        elif isinstance(value, bytes):
            fields[name] = builder.CreateString(value)
        else:
            fields[name] = value
    made = table(builder, options.table, fields)
    if options.table in NUMBERS:
        return {"BuiltinOptionsType": NUMBERS[options.table], "BuiltinOptions": made}
    number = {name: number for number, name in _SECOND.items()}[options.table]
    return {"BuiltinOptions2Type": number, "BuiltinOptions2": made}


def table(builder: flatbuffers.Builder, kind: str, fields: dict) -> int:
    """Write a table of the schema."""
    getattr(tflite, f"{kind}Start")(builder)
    for name, value in fields.items():
        getattr(tflite, f"{kind}Add{name}")(builder, value)
    return getattr(tflite, f"{kind}End")(builder)
