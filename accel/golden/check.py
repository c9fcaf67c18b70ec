"""Checks of what a caller hands to a layer: one clear line naming parameter, rule and value."""

from numbers import Integral, Real

import numpy as np

#: What the layers compute in; the gradients of float64 are what central differences check.
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def whole(name: str, value, least: int) -> int:
    """Return ``value`` as an int; a ValueError if it is no whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def pair(name: str, value, least: int = 1) -> tuple[int, int]:
    """Return an int or a (vertical, horizontal) pair as a pair of ints of at least ``least``."""
    if isinstance(value, tuple | list) and len(value) == 2:
        return whole(name, value[0], least), whole(name, value[1], least)
    if isinstance(value, Integral):
        return (whole(name, value, least),) * 2
    raise ValueError(f"{name} must be a whole number or (vertical, horizontal), not {value!r}")


def real(name: str, value, least: float, below: float = np.inf) -> float:
    """Return ``value`` as a float; a ValueError unless ``least`` <= value < ``below``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= value < below:
        end = "" if below == np.inf else f" and below {below:g}"
        raise ValueError(f"{name} must be a number of at least {least:g}{end}, not {value!r}")
    return float(value)


def floating(name: str, array, axes: int | None = None) -> np.ndarray:
    """Return ``array``; a ValueError unless it is float32 or float64, of ``axes`` axes if given."""
    return typed(name, array, FLOATS, axes)


def typed(name: str, array, dtypes, axes: int | None = None) -> np.ndarray:
    """Return ``array``; a ValueError unless of one of ``dtypes`` and of ``axes`` axes if given."""
    if not isinstance(array, np.ndarray) or array.dtype not in dtypes:
        what = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        names = " or ".join(np.dtype(each).name for each in dtypes)
        raise ValueError(f"{name} must be an array of {names}, not {what}")
    if axes is not None and array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, not shape {list(array.shape)}")
    return array


def like(name: str, array, shape, dtype) -> np.ndarray:
    """Return ``array``; a ValueError unless it has just this shape and dtype."""
    if not isinstance(array, np.ndarray) or array.shape != tuple(shape) or array.dtype != dtype:
        what = (
            f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray)
            else type(array).__name__
        )
        raise ValueError(f"{name} must be {np.dtype(dtype).name} {list(shape)}, not {what}")
    return array
