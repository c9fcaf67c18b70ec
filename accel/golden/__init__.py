"""Golden model: int8 inference in Numba, an independent witness for the RTL.

It shares the network description (accel.graph) and the definition of requantisation
(accel.quant) with the compiler, and no line with the compiler or the RTL.
"""

from accel.golden.layers import compute
from accel.golden.run import made, run

__all__ = ["compute", "made", "run"]
