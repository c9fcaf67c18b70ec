"""The array by itself computes what the whole machine's does."""

import numpy as np
import pytest

from accel.params import Params
from accel.sim.bare import TILE, TILES, VECTORS, BareArray


@pytest.mark.parametrize("rows, cols, packed", [(4, 4, False), (4, 8, False), (4, 8, True)])
def test_sums_are_products_of_matrices(rows, cols, packed):
    array = BareArray(Params(rows=rows, cols=cols, packed_products=packed))
    cycles = max(TILE * (TILES + 2), VECTORS + 100)
    outputs = array.outputs(cycles)
    np.testing.assert_array_equal(outputs, array.expected(cycles))
    assert len(np.unique(outputs)) > cycles
    assert array.seconds(1000) > 0
