"""How a rule of the graph is put: what must hold, else one line with subject, rule and value."""

import math

import numpy as np

from accel.graph.ir import GraphError, Node, Tensor
from accel.isa import FLOATS, Rounding
from accel.quant import FLOAT_UNIT, SHIFT_MAX, SHIFT_MIN

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def require(condition, subject, rule, value) -> None:
    """Raise a GraphError unless ``condition`` holds."""
    if not condition:
        raise GraphError(f"{subject}: {rule}, not {value}")


def is_int(value, low, high=None) -> bool:
    """Whether ``value`` is a whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return False
    return value >= low and (high is None or value <= high)


def ints(values, count, low, high=None) -> bool:
    """Whether ``values`` are ``count`` whole numbers from ``low`` to ``high``."""
    return (
        isinstance(values, (tuple, list)) and len(values) == count
        and all(is_int(value, low, high) for value in values)
    )


def title(node: Node) -> str:
    """Return how messages name a node."""
    return f"node {node.name!r}"


def factor(subject, multiplier, shift, what, least=1 << 30, shifts=(SHIFT_MIN, SHIFT_MAX)) -> None:
    """Check one (multiplier, shift) pair; ``what`` precedes both names."""
    require(is_int(multiplier, least, INT32_MAX) or is_int(multiplier, 0, 0), subject,
            f"{what} multiplier must be 0 or from {least} to {INT32_MAX}", multiplier)
    require(is_int(shift, *shifts), subject,
            f"{what} shift must be from {shifts[0]} to {shifts[1]}", shift)


def rounding(subject, mode, multipliers) -> None:
    """Check a rounding, and that both FLOAT have factors that a float32 holds."""
    require(mode in list(Rounding), subject,
            f"rounding must be one of {[r.name for r in Rounding]}", mode)
    if mode in FLOATS:
        for value in np.ravel(multipliers):
            require(value % FLOAT_UNIT == 0, subject, f"multiplier must be a multiple of "
                    f"{FLOAT_UNIT} with rounding {Rounding(mode).name}", value)


def clamp(subject, lo, hi) -> None:
    """Check the bounds of a result."""
    require(is_int(lo, -128, 127) and is_int(hi, lo, 127), subject,
            "clamp must satisfy -128 <= lo <= hi <= 127", (lo, hi))


def zero_point(subject, value, target: Tensor) -> None:
    """Check that what is added last is the output's zero point."""
    require(value == target.zero_point, subject,
            f"zero point must be its output's, {target.zero_point}", value)


def same_quantisation(node: Node, source: Tensor, target: Tensor) -> None:
    """Check that bytes mean the same on both sides."""
    require(source.zero_point == target.zero_point, title(node),
            f"output zero point must be the input's, {source.zero_point}", target.zero_point)
    require(math.isclose(source.scale, target.scale, rel_tol=1e-6), title(node),
            f"output scale must be the input's, {source.scale}", target.scale)
