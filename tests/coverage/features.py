"""What can be told of a command alone: its features, each with the values that it may have."""

import dataclasses
import itertools
from collections.abc import Callable

from accel.isa import FIELDS, PAIRS, Op, Pool, Rounding, WindowMode
from accel.params import WINDOW_TILES, Params

_Values = dict[str, int]


@dataclasses.dataclass(frozen=True)
class Feature:
    """A question about a command's fields, and all answers; ``asked`` says when it makes sense."""

    values: tuple
    of: Callable[[_Values], object]
    asked: Callable[[_Values], bool] = lambda values: True


def _flag(holds, asked=lambda values: True) -> Feature:
    return Feature((False, True), lambda values: bool(holds(values)), asked)


def _choice(name, kind, asked=lambda values: True) -> Feature:
    return Feature(tuple(one.name for one in kind), lambda values: kind(values[name]).name, asked)


def _pooled(values) -> bool:
    return values["pool"] != Pool.NONE


_COPY = {
    "left fill": _flag(lambda v: v["fill_left"]), "right fill": _flag(lambda v: v["fill_right"]),
    "no bytes of memory": _flag(lambda v: v["inner"] == 0),
    "several items": _flag(lambda v: v["items"] > 1),
    "several rows": _flag(lambda v: v["rows"] > 1),
    "items next to each other": _flag(lambda v: v["item_pitch"] == v["inner"],
                                      lambda v: v["items"] > 1),
}  # fmt: skip
#: Modes whose results are some of what they read: they are scaled like others, if need be.
_ANY = tuple(mode for mode in WindowMode if mode not in (*PAIRS, WindowMode.MIN))
FEATURES: dict[Op, dict[str, Feature]] = {
    Op.LOAD: _COPY,
    Op.WLOAD: _COPY,
    Op.EXEC: {
        "first": _flag(lambda v: v["first"]), "last": _flag(lambda v: v["last"]),
        "several segments": _flag(lambda v: v["k"] > v["seg"]),
        "skip": _flag(lambda v: v["seg_skip"]),
        "one pixel": _flag(lambda v: v["nx"] * v["ny"] == 1),
    },
    Op.POST: {
        "begin": _flag(lambda v: v["begin"]), "mark": _flag(lambda v: v["mark"]),
        "activate": _flag(lambda v: v["activate"]), "near": _flag(lambda v: v["near"]),
        "clamped": _flag(lambda v: (v["lo"], v["hi"]) != (-128, 127)),
        "one pixel": _flag(lambda v: v["count"] == 1),
        "rounding": _choice("rounding", Rounding), "pool": _choice("pool", Pool),
        "pool_rounding": _choice("pool_rounding", Rounding, lambda v: v["pool"] == Pool.AVERAGE),
        "padded at the top": _flag(lambda v: v["pt"], _pooled),
        "padded on the left": _flag(lambda v: v["pl"], _pooled),
        "windows overlap": _flag(lambda v: v["sh"] < v["kh"] or v["sw"] < v["kw"], _pooled),
        "windows leave gaps": _flag(lambda v: v["sh"] > v["kh"] or v["sw"] > v["kw"], _pooled),
    },
    Op.WINDOW: {
        "mark": _flag(lambda v: v["mark"]), "near": _flag(lambda v: v["near"]),
        "several segments": _flag(lambda v: v["k"] > v["seg"]),
        "several groups": _flag(lambda v: v["k"] > 2, lambda v: WindowMode(v["mode"]) in _ANY),
        "clamped": _flag(lambda v: (v["lo"], v["hi"]) != (-128, 127)),
        "left shift": _flag(lambda v: v["shift"] > 0, lambda v: v["mode"] != WindowMode.MAC),
        "offset": _flag(lambda v: v["offset"],
                        lambda v: v["mode"] in (WindowMode.ADD, WindowMode.SUB)),
        "mode": _choice("mode", WindowMode), "rounding": _choice("rounding", Rounding),
    },
}  # fmt: skip
#: Features that act together.
TOGETHER: dict[Op, tuple[tuple[str, str], ...]] = {
    Op.LOAD: (("left fill", "right fill"), ("several items", "several rows"),
              ("no bytes of memory", "several rows")),
    Op.EXEC: (("first", "last"), ("several segments", "skip"), ("last", "one pixel")),
    Op.POST: (("rounding", "pool"), ("rounding", "activate"), ("rounding", "near"),
              ("pool", "activate"), ("pool", "near"), ("pool", "begin"), ("pool", "mark"),
              ("pool", "clamped"), ("near", "mark"), ("near", "activate"), ("begin", "mark"),
              ("pool", "windows overlap"), ("pool", "windows leave gaps"),
              ("padded at the top", "padded on the left"), ("pool_rounding", "rounding")),
    Op.WINDOW: (("mode", "rounding"), ("mode", "near"), ("mode", "mark"), ("mode", "clamped"),
                ("mode", "several segments"), ("near", "mark"), ("offset", "mode")),
}  # fmt: skip
TOGETHER[Op.WLOAD] = TOGETHER[Op.LOAD]


def of_command(op: Op, values: _Values) -> list[str]:
    """The names of all that a command has, alone and together."""
    has = {name: feature.of(values) for name, feature in FEATURES.get(op, {}).items()
           if feature.asked(values)}  # fmt: skip
    return [_name(op, {name: value}) for name, value in has.items()] + [
        _name(op, {one: has[one], other: has[other]})
        for one, other in TOGETHER.get(op, ()) if one in has and other in has
    ]  # fmt: skip


def every():
    """The names of all that any command may have."""
    for op, features in FEATURES.items():
        for name, feature in features.items():
            yield from (_name(op, {name: value}) for value in feature.values)
        for one, other in TOGETHER[op]:
            for pair in itertools.product(features[one].values, features[other].values):
                together = dict(zip((one, other), pair, strict=True))
                if _possible(op, together):
                    yield _name(op, together)


def _possible(op: Op, together: dict) -> bool:
    """Whether two answers do not exclude each other."""
    mode = together.get("mode")
    if mode and "offset" in together:
        return mode in ("ADD", "SUB")
    # Windows are of images that are pooled.
    return not (together.get("pool") == "NONE" and {"windows overlap", "windows leave gaps"}
                & {*together})  # fmt: skip


def _name(op: Op, has: dict) -> str:
    return f"{op.name}: " + ", ".join(f"{name} = {value}" for name, value in has.items())


def ends(params: Params) -> dict[Op, dict[str, tuple[int, int]]]:
    """Of every field the least and the largest number that a machine takes."""
    found = {op: {field.name: field.range for field in fields[1:] if not _repeated(field.name)}
             for op, fields in FIELDS.items()}  # fmt: skip
    address = 0, (1 << params.addr_bits) - params.bus_bytes
    for op, size in ((Op.LOAD, params.input_bytes), (Op.WLOAD, params.window_bytes)):
        fills = dict.fromkeys(("inner", "fill_left", "fill_right"), (0, size))
        found[op] |= fills | {"dst": (0, size - 1), "dst_pitch": (0, size - 1),
                              "items": (1, (1 << 16) - 1), "rows": (1, (1 << 16) - 1)}  # fmt: skip
    found[Op.WEIGHTS] |= {"src": address, "tiles": (1, (1 << 20) - 1)}
    found[Op.WPARAM] |= {"src": address, "tiles": (1, WINDOW_TILES)}
    pixels = 1, params.bank_rows
    found[Op.EXEC] |= {"nx": pixels, "ny": pixels, "base": (0, params.input_bytes - 1),
                       "k": (1, (1 << 20) - 1), "seg": (1, (1 << 20) - 1)}  # fmt: skip
    rounding = 0, max(Rounding)
    sizes = dict.fromkeys(("in_w", "in_h", "out_w", "out_h"), (1, (1 << 16) - 1))
    found[Op.POST] |= sizes | dict.fromkeys(("kh", "kw", "sh", "sw"), (1, 255)) | {
        "count": pixels, "rounding": rounding, "pool_rounding": rounding, "pool": (0, max(Pool)),
        "pt": (0, 254), "pl": (0, 254), "mark_addr": address,
    }  # fmt: skip
    found[Op.TABLE] |= {"entries": (1, 8)}
    found[Op.ACTIVATION] |= {"first": (0, 224)}
    places = (1 << 20) - params.cols
    counts = dict.fromkeys(("nx", "ny", "k", "seg"), (1, (1 << 16) - 1))
    found[Op.WINDOW] |= counts | {
        "mode": (0, max(WindowMode)), "base": (0, params.window_bytes - params.cols),
        "step_x": (0, places), "step_y": (0, places), "rounding": rounding, "shift": (-31, 30),
        "a_shift": (-31, 0), "b_shift": (-31, 0), "mark_addr": address,
    }  # fmt: skip
    for op in (Op.EXEC, Op.POST, Op.WINDOW):
        found[op]["cols"] = 1, params.cols
    return found


def matters(op: Op, name: str, values: _Values) -> bool:
    """Whether a command does anything with a field."""
    if op is Op.POST and name in ("kh", "kw", "sh", "sw", "pt", "pl"):
        return _pooled(values)
    if op is Op.POST and name in ("in_w", "in_h", "out_w", "out_h"):
        return bool(values["begin"])
    if name == "mark_addr":
        return bool(values["mark"])
    if op is Op.WINDOW and name in ("multiplier", "shift"):
        return values["mode"] != WindowMode.MAC
    if op is Op.WINDOW and name in ("a_multiplier", "a_shift", "b_multiplier", "b_shift", "offset"):
        return values["mode"] in (WindowMode.ADD, WindowMode.SUB)
    if name in ("src", "item_pitch"):
        return values.get("inner", 1) > 0
    return True


def _repeated(name: str) -> bool:
    """Whether it is another entry of a table."""
    return name[-1].isdigit() and not name.endswith("0") or name[-2:] in ("10", "20", "30")
