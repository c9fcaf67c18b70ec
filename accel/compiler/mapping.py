"""Which of its possible tilings each layer gets."""

from accel.compiler import tile, window_tile
from accel.compiler.layer import MachineLayer
from accel.compiler.tiling import Tiling
from accel.compiler.window import AddLayer, WindowLayer
from accel.compiler.window_tile import WindowTiling
from accel.params import Params


class Mapping:
    """The tilings of a network's layers: the fastest by rough cost, unless ``chosen`` says other.

    Layers of the same shape share a tiling.  Compiling with a mapping fills ``options``, so a
    mapping belongs to one machine.

    Parameters:
        most: tilings to look for, for each shape.
        near: whether results may stay on the chip (accel/compiler/near.py).
        grouped: whether tensors may lie in memory by channel groups (accel/compiler/grouped.py).

    Attributes:
        options: the tilings of each shape, in the order in which layers ask for them.
        chosen: the index of a shape's tiling in its options; 0 where there is none.
    """

    def __init__(self, most: int = 1, near: bool = True, grouped: bool = True):
        self._most, self.near, self.grouped = most, near, grouped
        self.options: dict[tuple, list] = {}
        self.chosen: dict[tuple, int] = {}

    def of(
        self, layer: MachineLayer | WindowLayer | AddLayer, params: Params,
        plain: MachineLayer | None = None,
    ) -> list[Tiling] | WindowTiling | None:
        """A tiling for each slice of the array's layers, one for the window unit's; else None.

        ``plain``: the same layer, were its input not by channel groups; both are cut alike.

        Raises:
            CompileError: not even one pixel and one channel fit the machine.
        """
        if isinstance(layer, AddLayer):
            return None
        if isinstance(layer, WindowLayer):
            return self._choose(
                window_tile.tiling_key(layer),
                lambda: window_tile.tilings(layer, params, self._most),
            )
        if layer.view.group:
            return [
                tile.in_groups(layer, part, params, cut)
                for part, cut in zip(layer.slices, self.of(plain, params), strict=True)
            ]
        if plain is None or tile.tiling_keys(plain) == tile.tiling_keys(layer):
            return [self._own(layer, part, params) for part in layer.slices]
        return [
            tile.alike(layer, part, params, cut, lambda part=part: self._own(layer, part, params))
            for part, cut in zip(layer.slices, self.of(plain, params), strict=True)
        ]

    def _own(self, layer: MachineLayer, part, params: Params) -> Tiling:
        return self._choose(
            tile.tiling_key(layer, part), lambda: tile.tilings(layer, part, params, self._most)
        )

    def _choose(self, key: tuple, find):
        if key not in self.options:
            self.options[key] = find()
        return self.options[key][self.chosen.get(key, 0)]
