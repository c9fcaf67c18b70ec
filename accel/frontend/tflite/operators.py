"""All builtin operators of TFLite: those with handlers, the host's, and those that nobody takes."""

import tflite

from accel.frontend.tflite.importer import HANDLERS
from accel.frontend.tflite.parts import CUSTOM, REFUSED

__all__ = ["CUSTOM", "HANDLERS", "REFUSED", "STABLEHLO", "all_operators", "host"]

#: The highest number of an operator that is listed: a fixed one, or a list would change with what
#: is installed.
_MOST = 206
#: Numbers that stand for no operator.
_NONE = {"CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
#: How names of StableHLO's operators begin, of which LiteRT has few kernels.
STABLEHLO = "STABLEHLO_"


def all_operators() -> list[str]:
    """The builtin operators."""
    return sorted(name for name, number in vars(tflite.BuiltinOperator).items()
                  if isinstance(number, int) and number <= _MOST and name not in _NONE)


def host() -> list[str]:
    """Operators that the host alone has, but for StableHLO's."""
    return [name for name in all_operators()
            if name not in {*HANDLERS, *REFUSED} and not name.startswith(STABLEHLO)]
