"""Every rule of a command's fields in plain Python: what the machine must refuse."""

from accel.isa import FIELDS, PAIRS, Op, Rounding, WindowMode
from accel.params import POOL_OPEN, WINDOW_TILES, Params


def complete(op: Op, values: dict[str, int]) -> dict[str, int]:
    """All fields of a command; those that are not given are 0."""
    return {field.name: 0 for field in FIELDS[op]} | values


def illegal(op: Op, f: dict[str, int], params: Params) -> bool:
    """Whether any rule of ``op`` is broken by the fields ``f``."""
    def ceil(a, b):
        return -(-a // b)

    space = 1 << params.addr_bits
    if op in (Op.LOAD, Op.WLOAD):
        size = params.input_bytes if op == Op.LOAD else params.window_bytes
        row = f["items"] * f["inner"] + f["fill_left"] + f["fill_right"]
        return (
            f["rows"] < 1
            or f["items"] < 1
            or not (f["inner"] or f["fill_left"] or f["fill_right"])
            or f["dst"] >= size
            or f["dst_pitch"] >= size
            or row > size
            or (f["inner"] > 0 and f["src"] >= space)
        )
    if op in (Op.WEIGHTS, Op.WPARAM):
        if op == Op.WPARAM and f["tiles"] > WINDOW_TILES:
            return True
        return f["tiles"] < 1 or f["src"] % params.bus_bytes != 0 or f["src"] >= space
    if op == Op.EXEC:
        return (
            min(f["nx"], f["ny"], f["k"], f["seg"]) < 1
            or f["nx"] * f["ny"] > params.bank_rows
            or not 1 <= f["cols"] <= params.cols
            or f["base"] >= params.input_bytes
        )
    if op == Op.TABLE:
        return not 1 <= f["entries"] <= 8
    if op == Op.ACTIVATION:
        return f["first"] % 32 != 0
    if op == Op.WINDOW:
        return illegal_window(f, params, space)
    if (
        not 1 <= f["count"] <= params.bank_rows
        or not 1 <= f["cols"] <= params.cols
        or f["pool"] > 2
        or f["lo"] > f["hi"]
        or max(f["rounding"], f["pool_rounding"]) > max(Rounding)
        or (f["begin"] and min(f["in_w"], f["in_h"], f["out_w"], f["out_h"]) < 1)
        or f["dst"] >= space
        or (f["mark"] and (f["mark_addr"] % params.bus_bytes != 0 or f["mark_addr"] >= space))
        or (f["near"] and not has_place(f, params))
    ):
        return True
    if f["pool"]:
        if min(f["kh"], f["kw"], f["sh"], f["sw"]) < 1:
            return True
        return (
            f["pt"] >= f["kh"]
            or f["pl"] >= f["kw"]
            or min(f["out_w"], ceil(f["kw"], f["sw"])) > POOL_OPEN
            or ceil(f["kh"], f["sh"]) * f["out_w"] > params.pool_entries
        )
    return False


def has_place(f, params):
    """Whether a POST's image has a place in the window unit's buffer."""
    words = all(f[name] % params.cols == 0 for name in ("dst", "pitch_x", "pitch_y"))
    return params.window_taps > 0 and f["dst"] < params.window_bytes and words


def illegal_window(f, params, space):
    legal = (
        1 <= f["cols"] <= params.cols
        and f["base"] < params.window_bytes
        and all(f[name] % params.cols == 0 for name in ("base", "step_x", "step_y"))
        and min(f["nx"], f["ny"], f["k"], f["seg"]) >= 1
        and f["lo"] <= f["hi"]
        and f["rounding"] in list(Rounding)
        and f["dst"] < space
        and not (f["near"] and (f["dst"] >= params.input_bytes or params.cols > params.rows))
        and not (f["mark"] and (f["mark_addr"] % params.bus_bytes or f["mark_addr"] >= space))
    )
    if f["mode"] == WindowMode.MAC:
        legal = legal and f["k"] <= WINDOW_TILES * params.window_taps
    else:
        legal = legal and -31 <= f["shift"] <= 30
        if f["rounding"] in (Rounding.FLOAT, Rounding.FLOAT_ODD):
            factor = f["multiplier"]
            legal = legal and factor % 128 == 0 and (factor == 0 or factor >= 1 << 30)
    legal = legal and f["mode"] in list(WindowMode)
    if f["mode"] in (*PAIRS, WindowMode.MIN):
        legal = legal and f["k"] == 2
    if f["mode"] == WindowMode.MUL:
        legal = legal and not f["offset"] and not any(
            f[f"{operand}_{what}"] for operand in "ab" for what in ("multiplier", "shift")
        )
    if f["mode"] in (WindowMode.ADD, WindowMode.SUB):
        for operand in "ab":
            legal = legal and -31 <= f[f"{operand}_shift"] <= 0
        legal = legal and (f["offset"] == 0 or f["b_shift"] >= -22)
    return not legal
