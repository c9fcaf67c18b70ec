"""Single commands with each field at an end of what the machine takes."""

from accel.isa import Op, Pool, WindowMode, pack
from accel.params import Params
from tests.coverage import features
from tests.mutation.singles import SOUND
from tests.support.rules import complete, illegal

_POOLED = {"pool": Pool.MAX, "kh": 255, "kw": 255, "sh": 255, "sw": 255, "out_w": 4}
_ONE = {"items": 1, "rows": 1}
_FILLS = _ONE | {"inner": 0, "fill_left": 1}, _ONE | {"inner": 0, "fill_right": 4}
#: What a command may be like so that a field matters: the first that makes it sound is taken.
_AROUND = {
    Op.LOAD: ({}, _ONE, *_FILLS),
    Op.EXEC: ({}, {"nx": 1, "ny": 1}),
    Op.POST: ({}, {"mark": 1}, _POOLED, _POOLED | dict.fromkeys(("kh", "kw"), 1)),
    Op.WINDOW: ({}, {"mark": 1}, {"mode": WindowMode.ADD}),
}
_AROUND[Op.WLOAD] = _AROUND[Op.LOAD]


def commands(params: Params) -> list[bytes]:
    """All of them, none twice."""
    found = [_command(params, op, name, value) for op, fields in features.ends(params).items()
             for name, ends in fields.items() for value in ends]  # fmt: skip
    return list(dict.fromkeys(found))


def beyond() -> list[bytes]:
    """Commands that are refused, or not, by numbers that take all bits of the sums and products."""
    found = [(Op.LOAD, {"fill_left": 0xFFFFF, "fill_right": 0xFFFFF}), (Op.LOAD, {"inner": 1}),
             (Op.LOAD, {"inner": 2048, "items": 0x8000}), (Op.WINDOW, {"mark": 1, "mark_addr": 4}),
             (Op.POST, _POOLED | {"kh": 190, "sh": 255}), (Op.POST, _POOLED | {"kh": 3, "sh": 2})]
    return [pack(op, **SOUND[op] | values) for op, values in found]


def _command(params: Params, op: Op, name: str, value: int) -> bytes:
    for around in _AROUND.get(op, ({},)):
        values = SOUND[op] | around | {name: value}
        whole = complete(op, values)
        if not illegal(op, whole, params) and features.matters(op, name, whole):
            return pack(op, **values)
    raise AssertionError(f"no {op.name} has {name} = {value}")
