"""Rough cycles of layers that stay on the chip, to choose how they are cut."""

from accel.compiler import traffic, walks
from accel.isa import COMMAND_BYTES
from accel.params import Params

#: Commands of a block: WEIGHTS, EXEC, POST, a copy that pads, WPARAM, WINDOW; of the array's alone.
_BOTH, _ARRAY = 6, 3
#: The share of the window unit's time that the array loses by a buffer that is too small.
_TIGHT = 0.6
#: Cycles that a layer's latency costs whose input could have stayed on the chip.
_LOST = 400


class Cost:
    """Of a pair and, if there is one, the pointwise layer behind it.

    The slowest of array, window unit and bus counts, where they work at the same time.

    Parameters:
        layers: first, second, and third or None.
        params: the machine.
    """

    def __init__(self, layers, params: Params):
        (self.first, self.second, self.third), self.params = layers, params

    def of(self, pair, stays_too: bool = False) -> float:
        """Cycles of a way to cut it.

        ``stays_too``: the third's results could stay as well, were it not in between.
        """
        params, bus, groups = self.params, self.params.bus_bytes, len(self.first.slices[0].groups)
        first, second, third = self.first, self.second, self.third
        passes = -(-groups // pair.together)
        blocks = -(-first.rows.outputs // pair.tiling.height)
        array, stream = self._array(first, blocks, pair.tiling.chunks, _BOTH)
        k = second.rows.kernel * second.columns.kernel
        pace = max(-(-k // params.window_taps), params.cols // params.window_lanes)
        out = second.rows.outputs * second.columns.outputs
        window = out * pace * groups
        # Where a block has no room beside the one that is read, the array waits.
        array += _TIGHT * max(0.0, 0.5 - pair.spare) * window
        loads = passes if pair.again else 1
        stream += loads * first.rows.size * first.columns.size * first.slices[0].channels / bus
        if second.groups:
            record = traffic.record_bytes(-(-k // params.window_taps), params)
            stream += blocks * groups * record / bus
        moved = 0 if pair.feeds else out * second.channels / bus
        if not third:
            return max(array, window, stream + moved)
        tiling = pair.follower or pair.behind
        rows = tiling.height if tiling else max(1, params.bank_rows // third.columns.outputs)
        chunks = tiling.chunks if tiling else _kernel(third, params)
        behind, weights = self._array(third, -(-third.rows.outputs // rows), chunks, _ARRAY)
        weights += third.rows.outputs * third.columns.outputs * third.channels / bus
        if not pair.follower:
            return max(array, window, stream + moved) + max(behind, weights + moved)
        # Only in the last pass do the third's blocks come between the first's.
        last = (groups - (passes - 1) * pair.together) / groups
        before = (1 - last) * max(array, window, stream)
        lost = 0.0
        if stays_too:
            lost = _LOST + 2 * third.rows.outputs * third.columns.outputs * third.channels / bus
        return before + max(last * array + behind, last * window, last * stream + weights) + lost

    def _array(self, layer, blocks: int, chunks, commands: int) -> tuple[float, float]:
        """Cycles of the array for a layer in so many blocks; beats of its weights and commands."""
        params, groups = self.params, len(layer.slices[0].groups)
        tiles = sum(chunk.tiles for chunk in chunks)
        pixels = layer.rows.outputs * layer.columns.outputs
        cycles = groups * tiles * max(pixels, blocks * params.rows)
        beats = params.param_bytes + tiles * params.tile_bytes + commands * COMMAND_BYTES
        return cycles, groups * blocks * beats / params.bus_bytes


def _kernel(layer, params: Params) -> tuple:
    """The kernel of a layer that is cut by itself."""
    part = layer.slices[0]
    return (walks.kernel(layer.rows, layer.columns, part.channels, params.rows),)
