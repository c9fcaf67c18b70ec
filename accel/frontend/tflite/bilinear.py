"""RESIZE_BILINEAR by powers of two: convolutions of two by two pixels, whose results interleave.

LiteRT weighs the four pixels around an output in whole 1024ths and rounds the sum once, halves away
from a raw byte of 0.  Enlarged by a power of two, outputs so many rows or columns apart have the
same weights, which are small numbers over a power of two: a convolution of single channels for each
of the ways in which an output can lie between its neighbours, of an image with its borders
repeated.
"""

import dataclasses
import itertools
import math

import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite import takes, weighted
from accel.frontend.tflite.build import CENTRES, LIMIT
from accel.frontend.tflite.view import View
from accel.graph.ir import Assemble, Place, Requant, Table, Tensor
from accel.isa import Rounding

#: Whole weights, and most ways in which outputs lie between their neighbours.
_ONE, _MOST_WAYS = 1 << 10, 64
#: Weights that layers may have (accel/frontend/wide.py).
_MOST_WEIGHT = 255


@dataclasses.dataclass(frozen=True)
class Way:
    """Outputs ``first``, ``first`` + step, ... along one axis: ``count`` of them.

    Each is the sum of the inputs from ``begin`` on, one further each, times ``weights``; with
    ``begin`` counted in the image with its borders repeated once.
    """

    first: int
    count: int
    begin: int
    weights: tuple[int, ...]


@runs("array", EXACT, "enlarging by powers of two")
def resize_bilinear(op: View) -> None:
    """RESIZE_BILINEAR(input, size)."""
    op.counts(2, 2)
    source, sizes = op.source(), op.constant(1, ("int32",)).ravel().tolist()
    op.require(len(op.record(0).shape) == 4 and len(sizes) == 2
               and all(1 <= size <= LIMIT for size in sizes),
               f"size must be two numbers from 1 to {LIMIT}, for an image", sizes)
    axes = [_ways(op, source.shape[n], sizes[n]) for n in (0, 1)]
    op.require(len(axes[0]) * len(axes[1]) <= _MOST_WAYS, "it must enlarge by factors of at most "
               f"{_MOST_WAYS} together", [len(ways) for ways in axes])
    op.shaped((*sizes, source.shape[2]))
    target = op.target()
    op.same(source, target)
    op.spend(16 * len(axes[0]) * len(axes[1]) * source.shape[2])
    wide = takes.moved(op, source, [[0, *range(size), size - 1] for size in source.shape[:2]]
                       + [range(source.shape[2])], "bordered")
    names, places = [], []
    for rows, columns in itertools.product(*axes):
        part = op.builder.extra(f"{target.name}/{rows.first}.{columns.first}", target,
                                (rows.count, columns.count, source.shape[2]))
        _part(op, wide, part, rows, columns)
        names.append(part.name)
        places.append(Place((rows.first, columns.first, 0), (len(axes[0]), len(axes[1]))))
    op.add(Assemble(op.name, tuple(names), target.name, tuple(places)))


def _ways(op: View, size: int, outputs: int) -> list[Way]:
    """The ways along one axis: as many as it is enlarged by."""
    corners, half = op.options["AlignCorners"], op.options["HalfPixelCenters"]
    inner = corners and outputs > 1
    given, made = (size - 1, outputs - 1) if inner else (size, outputs)
    scale = (_ONE * given + made // 2) // made
    factor = _ONE // scale if scale else 1
    op.require(scale and scale * factor == _ONE and given * factor == made,
               "it must enlarge rows and columns by powers of two", f"from {size} to {outputs}")
    found = []
    for first in range(min(factor, outputs)):
        place = first * scale + (scale // 2 - _ONE // 2 if half else 0)
        begin, above = divmod(place, _ONE)
        common = math.gcd(above, _ONE)
        weights = ((_ONE - above) // common, above // common) if above else (1,)
        found.append(Way(first, -(-(outputs - first) // factor), begin + 1, weights))
    return found


def _part(op: View, wide: Tensor, target: Tensor, rows: Way, columns: Way) -> None:
    """One convolution, and what calls its bytes the output's again.

    It rounds halves away from what stands for a raw 0, so that is its result's zero point.
    """
    weights = np.outer(rows.weights, columns.weights)
    op.require(weights.max() <= _MOST_WEIGHT, f"weights must be at most {_MOST_WEIGHT}",
               weights.max())
    shape = (rows.count + len(rows.weights) - 1, columns.count + len(columns.weights) - 1,
             wide.shape[2])
    part = wide
    if shape != wide.shape:
        part = op.builder.extra(f"{target.name}/input", wide, shape)
        where = pieces.cut((rows.begin, columns.begin, 0), shape)
        for node in pieces.nodes(part.name, wide, part, where, str)[1]:
            op.add(node)
    channels, whole = wide.shape[2], int(weights.sum())
    origin = -CENTRES[op.dtype]
    sums = target if target.zero_point == origin else op.builder.extra(
        f"{target.name}/raw", dataclasses.replace(target, zero_point=origin))
    requant = Requant(np.full(channels, 1 << 30, np.int32),
                      np.full(channels, 2 - whole.bit_length(), np.int8), origin,
                      rounding=Rounding.AWAY)
    bias = np.full(channels, (wide.zero_point - origin) * whole, np.int32)
    weighted.add_conv(op, sums.name, part, sums, np.repeat(weights[None, :, :, None], channels, 0),
                      bias, requant, op_name="resize", stride=(1, 1), padding=(0, 0, 0, 0),
                      dilation=(1, 1), groups=channels)
    if sums is not target:
        op.add(Table(target.name, sums.name, target.name, np.arange(-128, 128).astype(np.int8),
                     op="resize"))


HANDLERS = {"RESIZE_BILINEAR": resize_bilinear}
