"""What is computed once for a node, kept as long as the node lives."""

import weakref

import numpy as np


class Prepared:
    """Keeps what ``make`` returns for nodes.

    A node is frozen, and so become its arrays when something is kept for it: who writes to them
    later gets NumPy's error and not the old result.  Arrays that are views of others cannot be
    frozen; such a node is prepared anew each time.

    Args:
        make: function of a node and ``options``.
        arrays: function of a node, to all of its arrays.
    """

    def __init__(self, make, arrays):
        self._make, self._arrays = make, arrays
        self._kept = {}

    def get(self, node, *options):
        """Return ``make(node, *options)``; options can be compared."""
        own = id(node)
        kept = self._kept.get(own)
        if kept and kept[0]() is node and kept[1] == options:
            return kept[2]
        made = self._make(node, *options)
        arrays: tuple[np.ndarray, ...] = self._arrays(node)
        if all(array.base is None for array in arrays):
            for array in arrays:
                array.flags.writeable = False
            forget = weakref.ref(node, lambda _: self._kept.pop(own, None))
            self._kept[own] = forget, options, made
        return made

    def __len__(self) -> int:
        return len(self._kept)
