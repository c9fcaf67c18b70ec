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


def _command(params: Params, op: Op, name: str, value: int) -> bytes:
    for around in _AROUND.get(op, ({},)):
        values = SOUND[op] | around | {name: value}
        whole = complete(op, values)
        if not illegal(op, whole, params) and features.matters(op, name, whole):
            return pack(op, **values)
    raise AssertionError(f"no {op.name} has {name} = {value}")
