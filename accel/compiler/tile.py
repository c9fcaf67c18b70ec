"""Choose how a layer is cut (accel.compiler.tiling).

Every legal combination is scored with a rough time (accel.compiler.tile_cost).  The fastest wins,
or is the first of those that a mapper tries (accel/mapper.py).
"""

import dataclasses
import operator
from collections.abc import Callable

from accel.compiler import walks
from accel.compiler.errors import CompileError
from accel.compiler.layer import Axis, MachineLayer, Slice
from accel.compiler.tile_cost import Scorer
from accel.compiler.tiling import Tiling
from accel.params import Params

#: Most parts that a small layer's channels come in, and the fewest cycles that a part is worth.
PARTS, _PART = 8, 64


def _chunks(layer: MachineLayer, part: Slice, params: Params, size: int):
    """The kernels of chunks of up to ``size`` channels."""
    bounds = [*range(0, part.channels, size), part.channels]
    return tuple(
        walks.kernel(layer.rows, layer.columns, hi - lo, params.rows)
        for lo, hi in zip(bounds, bounds[1:], strict=False)
    )


def _chunkings(layer: MachineLayer, part: Slice, params: Params):
    """Lists of chunk kernels, from all channels at once to one by one."""
    seen = set()
    for count in range(1, part.channels + 1):
        size = -(-part.channels // count)
        if size > params.rows:
            size = -(-size // params.rows) * params.rows
        if size in seen:
            continue
        seen.add(size)
        yield _chunks(layer, part, params, size)
        if not part.splittable:
            return


def tiling_key(layer: MachineLayer, part: Slice) -> tuple:
    """All that a slice's tiling depends on, besides the machine."""
    return (
        layer.view.images, layer.rows, layer.columns, layer.pool_rows, layer.pool_columns,
        layer.pooling.kind, layer.pooling.alone, layer.channels, part.channels,
        tuple(group.width for group in part.groups),
    )  # fmt: skip


def tiling_keys(layer: MachineLayer) -> list[tuple]:
    """Those of all slices."""
    return [tiling_key(layer, part) for part in layer.slices]


def tilings(layer: MachineLayer, part: Slice, params: Params, most: int) -> list[Tiling]:
    """Up to ``most`` legal tilings of a slice, the fastest by rough cost first.

    Raises:
        CompileError: not even one pixel and one channel fit the machine.
    """
    found, tried = [], 0
    for chunks in _chunkings(layer, part, params):
        found += Scorer(layer, part, params, chunks).options()
        # Chunks cost extra loads: a few sizes beyond the first that fits are enough to look at.
        tried += bool(found)
        if tried == 4 or tried == 1 and _comfortable(layer, _fastest(found), params):
            break
    if not found:
        raise CompileError(_refusal(layer, part, params))
    if most == 1:
        return [in_parts(layer, part, params, _fastest(found))]
    ranked = []
    for _, made in sorted(found, key=operator.itemgetter(0)):
        tiling = Tiling(*made)
        for choice in (in_parts(layer, part, params, tiling), tiling):
            if choice not in ranked:
                ranked.append(choice)
        if len(ranked) >= most:
            break
    return ranked[:most]


def alike(
    layer: MachineLayer, part: Slice, params: Params, plain: Tiling, find: Callable[[], Tiling]
) -> Tiling:
    """How a layer is cut whose input lies by channel groups (accel.compiler.grouped).

    ``plain``: how it would be cut otherwise.  ``find``: finds what is best in this form, by rough
    cost; but a form must not make a layer read more than it would without, on a bus that may be
    busy already.
    """
    kernel = walks.kernel(layer.rows, layer.columns, part.channels, params.rows)
    scorer = Scorer(layer, part, params, (kernel,))
    if len(plain.chunks) > 1 or not scorer.fits(plain):
        return find()
    same = dataclasses.replace(plain, chunks=(kernel,))
    whole = layer.pool_columns.outputs, layer.pool_rows.outputs
    if same.local and (same.width, same.height) == whole:
        return same  # nothing reads less than a single block
    own = find()
    both = (Scorer(layer, part, params, one.chunks).read(one) for one in (own, same))
    return own if next(both) <= next(both) else same


def _fastest(options: list[tuple[float, tuple]]) -> Tiling:
    return Tiling(*min(options, key=operator.itemgetter(0))[1])


def _refusal(layer: MachineLayer, part: Slice, params: Params) -> str:
    """What is too small for a slice."""
    least = _least_bytes(layer, part, params)
    if least > params.input_bytes:
        return (
            f"{layer.name}: input buffer too small for one row of its windows: a "
            f"{layer.rows.kernel}x{layer.columns.kernel} kernel needs at least {least} bytes, "
            f"input_bytes is {params.input_bytes}"
        )
    return (
        f"{layer.name}: buffer too small for its windows: a {layer.rows.kernel}x"
        f"{layer.columns.kernel} kernel (pooled {layer.pool_rows.kernel}x"
        f"{layer.pool_columns.kernel}) does not fit input_bytes {params.input_bytes}, "
        f"acc_rows {params.acc_rows}, pool_entries {params.pool_entries}"
    )


def _least_bytes(layer: MachineLayer, part: Slice, params: Params) -> int:
    """The smallest input buffer that holds what a single convolution output needs."""
    return layer.rows.extent * min(
        max(chunk.pitch(layer.columns.extent * chunk.channels) for chunk in chunks)
        for chunks in _chunkings(layer, part, params)
    )


def in_parts(layer: MachineLayer, part: Slice, params: Params, tiling: Tiling) -> Tiling:
    """The same tiling with the channels in chunks, where images are small.

    An image that is a single block starts when its first channels are there, while the layer before
    it computes the last ones; otherwise it waits for all.
    """
    whole = tiling.local and tiling.width == layer.pool_columns.outputs
    if tiling.apart or not part.splittable or not whole or tiling.height < layer.pool_rows.outputs:
        return tiling
    pixels = layer.pool_rows.size * layer.pool_columns.size
    if pixels < params.rows:
        return tiling  # the bus has no time for the commands: weights are all that it carries
    kernel = tiling.chunks[0]
    for count in range(min(PARTS, kernel.tiles * pixels // _PART), 1, -1):
        size = -(-part.channels // (count * params.rows)) * params.rows
        chunks = _chunks(layer, part, params, size)
        if sum(chunk.tiles for chunk in chunks) == kernel.tiles and holds(
            layer, params, chunks
        ):
            return dataclasses.replace(tiling, chunks=chunks)
    return tiling


def in_groups(layer: MachineLayer, part: Slice, params: Params, tiling: Tiling) -> Tiling:
    """The same tiling with chunks of whole channel groups of the input (accel.compiler.grouped).

    Of a pointwise layer's rows the groups come side by side; elsewhere each is a chunk.
    """
    cols = params.cols
    count = -(-tiling.chunks[0].depth // cols)
    groups = -(-part.channels // cols)
    sizes = [min(count, groups - first) for first in range(0, groups, count)]
    chunks = [_side_by_side(layer, params, size) for size in sizes]
    if not all(chunks):
        chunks = _chunks(layer, part, params, cols)
    return dataclasses.replace(tiling, chunks=tuple(chunks))


def whole(layer: MachineLayer, part: Slice, params: Params) -> walks.Kernel | None:
    """The kernel of all of a slice's channels at once; None if they lie in groups that it cannot
    have side by side.
    """
    if layer.view.group:
        return _side_by_side(layer, params, part.channels // params.cols)
    return walks.kernel(layer.rows, layer.columns, part.channels, params.rows)


def _side_by_side(layer: MachineLayer, params: Params, groups: int) -> walks.Kernel | None:
    """The kernel of a layer that has so many channel groups of whole rows side by side, if any."""
    columns = layer.columns
    if layer.rows.kernel > 1 or columns != Axis(columns.size, columns.size):
        return None
    return walks.side_by_side(columns.size, groups, params.cols, params.rows)


def holds(layer: MachineLayer, params: Params, chunks: tuple[walks.Kernel, ...]) -> bool:
    """Whether a whole image in chunks fits the buffer."""
    rows, columns = (
        (axis.outputs - 1) * axis.stride + axis.extent for axis in (layer.rows, layer.columns)
    )
    pitches = [chunk.pitch(columns * chunk.depth) for chunk in chunks]
    return rows * sum(pitches) <= params.input_bytes


def _comfortable(layer: MachineLayer, tiling: Tiling, params: Params) -> bool:
    """Whether blocks stream enough pixels to hide the weight loading."""
    pixels = tiling.height * tiling.piece
    if tiling.local:
        lo, hi = layer.pool_rows.inside(0, tiling.height)
        pixels = (hi - lo) * tiling.piece
    everything = layer.pool_rows.size * layer.pool_columns.size
    return pixels >= min(params.rows, everything, params.bank_rows)
