"""The sum of what a program has the machine fetch: commands, parameters and weights.

Of 32-bit words, modulo 2**32 - 1, each as often as it is fetched; rtl/parts/checksum.py sums
up the same where it arrives.
"""

import numpy as np

from accel.isa import COMMAND_BYTES, Op, unpack
from accel.params import Params

_MODULUS = (1 << 32) - 1


def checksum(params: Params, image: np.ndarray, start: int, commands: int) -> int:
    """Return the sum for ``commands`` commands at byte ``start`` of memory ``image`` (uint8).

    From 1 to 2**32 - 1; 0, which a machine does not compare, if there are no commands.
    """
    tiles = {Op.WEIGHTS: params.tile_bytes, Op.WPARAM: params.window_taps * params.cols}
    program, total = image[start : start + COMMAND_BYTES * commands], 0
    if not commands:
        return 0
    for number in np.flatnonzero(np.isin(program[::COMMAND_BYTES], [*tiles])):
        place = COMMAND_BYTES * int(number)
        op, fields = unpack(program[place : place + COMMAND_BYTES].tobytes())
        size = params.param_bytes + fields["tiles"] * tiles[op]
        total += _sum(image[fields["src"] : fields["src"] + size])
    return (total + _sum(program) - 1) % _MODULUS + 1


def _sum(data: np.ndarray) -> int:
    return int(data.view("<u4").sum(dtype=np.uint64))
