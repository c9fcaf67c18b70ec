"""Pointwise layers that begin when the first channels of their input are there.

A layer that makes its output group by group of channels has no row complete before its last group.
A pointwise layer behind it, in blocks of rows, would wait for that, and for the copy of a block.
Where the buffer has room for the whole image, it takes that in chunks of channels instead, and its
weights once; but the layer behind it then waits until all is stored:

    before | group 0 | group 1 | group 2 |                    before | group 0 | group 1 | group 2 |
    array                                  (waits) rows ...   array            | chunk 0 | 1 | 2 ...
"""

import dataclasses

from accel.compiler import tile, weave
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.tiling import Tiling
from accel.compiler.window import AddLayer
from accel.isa import Pool
from accel.params import Params

#: The bus is short where it is busy for this part of the array's time.
_SHORT = 0.5
#: Rough cycles that more copies, one after the other, take at the beginning.
_LATENCY = 200


def begin(context: Context, layers: list, tilings: list, taken: set[int]) -> None:
    """Cut those of a step that had better begin early so.

    Parameters:
        layers: in order.
        tilings: how they are cut; changed.
        taken: layers that stay as they are.
    """
    made = {context.seats[layer.output].root for layer in layers}
    for number, layer in enumerate(layers):
        if number in taken or not isinstance(layer, MachineLayer) or len(layer.slices) > 1:
            continue
        if context.seats[layer.view.tensor].root in made:
            (tiling,) = tilings[number]
            behind = layers[number + 1] if number + 1 < len(layers) else None
            found = _in_chunks(layer, tiling, context.params)
            if found and (layer.view.group or _pays(context, layer, behind, tiling, found)):
                tilings[number] = [found]


def _in_chunks(layer: MachineLayer, tiling: Tiling, params: Params) -> Tiling | None:
    """The tiling of a layer that takes a whole image in chunks; None if it had better not."""
    part, rows, columns = layer.slices[0], layer.rows, layer.columns
    if (
        tiling.apart or len(tiling.chunks) > 1 or tiling.height == rows.outputs
        or layer.pooling.kind != Pool.NONE
        or rows.outputs * columns.outputs > params.bank_rows
        or (rows.size, rows.kernel) != (rows.outputs, 1)
        or (columns.size, columns.kernel) != (columns.outputs, 1)
        or layer.view.images > 1
    ):  # fmt: skip
        return None
    # Only of whole images, and not of strips of their columns.
    found = tile.in_parts(layer, part, params, dataclasses.replace(tiling, height=rows.outputs))
    if layer.view.group:
        found = tile.in_groups(layer, part, params, found)
    return found if len(found.chunks) > 1 and tile.holds(layer, params, found.chunks) else None


def _pays(
    context: Context, layer: MachineLayer, behind, tiling: Tiling, found: Tiling
) -> bool:
    """Whether it takes less to wait for, by rough cost, than blocks of rows.

    ``behind``: the layer after it, if there is one.

    (One that lies by channel groups has been asked before it did.)
    """
    params, pixels = context.params, layer.rows.outputs * layer.columns.outputs
    cost, less = (weave.cost_of(context, layer, [one]) for one in (tiling, found))
    waits = tiling.height * layer.columns.size * layer.slices[0].channels / params.bus_bytes
    stored = pixels * layer.channels / params.bus_bytes
    # Fewer weights are a gain where the bus is short.
    added = 3 * stored if isinstance(behind, AddLayer) else 0
    weights = cost.bus - less.bus if cost.bus + added > _SHORT * cost.array else 0
    return waits + weights > stored + _LATENCY
