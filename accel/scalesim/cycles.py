"""SCALE-Sim's compute cycles in closed form, exactly what its own simulation counts.

A layer is a product of M pixels x K x N filters.  The array holds one operand's tile still (a fold)
while the others pass; every fold is filled and drained on its own, nothing of it overlaps.
"""

from accel.scalesim.topology import Layer

#: Output, weight and input stationary.
DATAFLOWS = ("os", "ws", "is")


def _folds(dataflow: str, m: int, k: int, n: int, rows: int, cols: int) -> int:
    """Tiles that are held still one after another."""
    across_rows, across_cols = {"os": (m, n), "ws": (k, n), "is": (k, m)}[dataflow]
    return -(-across_rows // rows) * -(-across_cols // cols)


def fill_and_drain(dataflow: str, rows: int, cols: int) -> int:
    """Cycles of a fold beyond those in which operands pass."""
    return (rows if dataflow == "os" else 2 * rows) + cols - 2


def folds(layer: Layer, dataflow: str, rows: int, cols: int) -> int:
    """Tiles of a layer that are held still one after another, all copies together."""
    shape = layer.pixels, layer.reduction, layer.filters
    return layer.copies * _folds(dataflow, *shape, rows, cols)


def compute_cycles(layer: Layer, dataflow: str, rows: int, cols: int) -> int:
    """The "total cycles" that SCALE-Sim reports for a layer when memory never stalls."""
    passing = {"os": layer.reduction, "ws": layer.pixels, "is": layer.filters}[dataflow]
    a_fold = passing + fill_and_drain(dataflow, rows, cols)
    # Each copy is a layer of its own to SCALE-Sim and its count ends one cycle short.
    return folds(layer, dataflow, rows, cols) * a_fold - layer.copies
