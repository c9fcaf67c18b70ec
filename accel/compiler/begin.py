"""A program's first block in two parts, so that the array need not wait for all of its input.

    bus   | rows of the block |                    bus   | rows | others |
    array |                   | block ...          array |      | part   | rest ...

The second part's weights are read a second time, when the bus has enough to do; so it has to pay.
"""

from accel.compiler.layer import MachineLayer
from accel.isa import COMMAND_BYTES
from accel.params import Params

#: Commands of a block, and those of a window unit's behind it.
_COMMANDS = 8
#: Rough cycles that a row takes to load, beside its bytes; and at least, each a burst of its own.
_ROW, _BURST = 4, 8
#: Rough cycles that a POST takes beside its pixels.
_POST = 30


def cut(
    blocks: list[tuple[int, int]], layer: MachineLayer, tiles: int, groups: int, params: Params
) -> list[tuple[int, int]]:
    """Ranges of a layer's rows, whole ones, with the first range in two where that pays.

    Parameters:
        blocks: the ranges.
        layer: of whom the array does nothing but ``groups`` groups of ``tiles`` tiles for each.
        params: the machine.
    """
    (first, end), *others = blocks
    stride, width = layer.rows.stride * layer.pool_rows.stride, layer.columns.outputs
    row = layer.columns.size * layer.slices[0].channels / params.bus_bytes + _ROW
    load = stride * max(row, _BURST)
    pixels = width * layer.pool_rows.stride
    array = groups * tiles * pixels
    record = params.param_bytes + tiles * params.tile_bytes + _COMMANDS * COMMAND_BYTES
    again = groups * record / params.bus_bytes
    # A gain as large again as what it costs: other memories may be slower.
    best, where = again, None
    for rows in range(1, end - first):
        gain = min(load * (end - first - rows), array * rows - again)
        # The first part must be stored before the block behind the second one ends.
        stored = groups * (rows * pixels * params.cols / params.post_lanes + _POST)
        if gain > best and params.rows <= rows * pixels and stored <= array * (end - first - rows):
            best, where = gain, first + rows
    return [(first, where), (where, end), *others] if where else blocks
