"""Rough cycles of layers that stay on the chip, to choose how they are cut."""

from accel.compiler import traffic, walks
from accel.compiler.tile_cost import Scorer
from accel.isa import COMMAND_BYTES
from accel.params import Params

#: Commands of a block: WEIGHTS, EXEC, POST, a copy that pads, WPARAM, WINDOW; of the array's alone.
_BOTH, _ARRAY = 6, 3
#: Rough cycles that a block costs beside its data.
_OVERHEAD = 16
#: Rough cycles that a POST takes beside its pixels.
_POST = 30
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
        self.groups = len(self.first.slices[0].groups)
        k = self.second.rows.kernel * self.second.columns.kernel
        pace = max(-(-k // params.window_taps), params.cols // params.window_lanes)
        self.out = self.second.rows.outputs * self.second.columns.outputs
        self.window = self.out * pace * self.groups
        #: Beats of a WPARAM.
        record = traffic.record_bytes(-(-k // params.window_taps), params)
        self.record = record / params.bus_bytes if self.second.groups else 0.0

    def of(self, pair, stays_too: bool = False) -> float:
        """Cycles of a way to cut it.

        ``stays_too``: the third's results could stay as well, were it not in between.
        """
        first, passes = self.first, -(-self.groups // pair.together)
        blocks = -(-first.rows.outputs // pair.tiling.height)
        array, stream = self._array(first, blocks, pair.tiling.chunks, _BOTH)
        if pair.spare < 1 and (pair.tiling.height > 1 or pair.spare * pair.together < 2):
            # A block has no room beside the one that is read: its first group waits for the last.
            array += (array + self.window) / pair.together
        inputs = self._beats(first.rows.size * first.columns.size * first.slices[0].channels)
        stream += (passes if pair.again else 1) * inputs + blocks * self.groups * self.record
        # The slower of both begins when the other has done its first block, or ends behind its
        # last.
        edge = min(array, self.window) / (blocks * self.groups)
        edge += _OVERHEAD * blocks * self.groups
        moved = 0.0 if pair.feeds else self._beats(self.out * self.second.channels)
        if not self.third:
            return max(array, self.window, stream + moved) + edge
        behind, weights = self._third(pair)
        if not pair.follower:
            late = 0 if pair.feeds else _LOST
            alone = max(behind, weights + moved)
            return max(array, self.window, stream + moved) + alone + edge + late
        # Only in the last pass do the third's blocks come between the first's.
        last = (self.groups - (passes - 1) * pair.together) / self.groups
        both = max(last * array + behind, last * self.window, last * stream + weights)
        lost = _LOST + 2 * self._stored() if stays_too else 0
        return (1 - last) * max(array, self.window, stream) + both + lost + edge

    def apart(self, tilings) -> float:
        """Cycles of the layers one after the other, with every result in memory."""
        size = self.second.rows.size * self.second.columns.size + self.out
        cycles = self.window + self._beats(size * self.second.channels)
        for layer, tiling in ((self.first, tilings[0]), (self.third, tilings[-1])):
            if layer:
                cycles += _LOST + self._alone(layer, tiling[0])
        return cycles

    def _alone(self, layer, tiling) -> float:
        """Cycles of a layer of the array."""
        params, part = self.params, layer.slices[0]
        pixels = layer.rows.outputs * layer.columns.outputs
        tiles = sum(chunk.tiles for chunk in tiling.chunks)
        read = Scorer(layer, part, params, tiling.chunks).read(tiling)
        stored = pixels * len(part.groups) * max(1, params.cols / params.bus_bytes)
        drain = pixels * params.cols / params.post_lanes
        array = len(part.groups) * max(tiles * max(pixels, params.rows), drain)
        return max(array, self._beats(read) + stored)

    def _third(self, pair) -> tuple[float, float]:
        """Cycles of the array for the third layer; beats of what it reads and writes beside it."""
        third, tiling = self.third, pair.follower or pair.behind
        part = third.slices[0]
        kernel = walks.kernel(third.rows, third.columns, part.channels, self.params.rows)
        rows = max(1, self.params.bank_rows // third.columns.outputs)
        chunks = (kernel,)
        if tiling:
            rows, chunks = tiling.height, tiling.chunks
        blocks = -(-third.pool_rows.outputs // rows)
        cycles, weights = self._array(third, blocks, chunks, _ARRAY)
        return cycles, weights + self._stored()

    def _stored(self) -> float:
        """Beats of the third layer's convolution."""
        third = self.third
        return self._beats(third.rows.outputs * third.columns.outputs * third.channels)

    def _beats(self, size: int) -> float:
        return size / self.params.bus_bytes

    def _array(self, layer, blocks: int, chunks, commands: int) -> tuple[float, float]:
        """Cycles of the array for a layer in so many blocks; beats of its weights and commands."""
        params, groups = self.params, len(layer.slices[0].groups)
        tiles = sum(chunk.tiles for chunk in chunks)
        pixels = layer.rows.outputs * layer.columns.outputs
        drain = pixels * params.cols // params.post_lanes + _POST * blocks
        cycles = groups * max(tiles * max(pixels, blocks * params.rows), drain)
        size = params.param_bytes + tiles * params.tile_bytes + commands * COMMAND_BYTES
        return cycles, groups * blocks * self._beats(size)
