"""The systolic array alone, verilated: what the whole machine's speed is compared with."""

import ctypes
import pathlib
import time

import numpy as np

from accel.params import PE_LATENCY, Params
from accel.rtl.array.systolic import SystolicArray
from accel.sim.build import Builder, Progress

#: Vectors and weight tiles that the driver uses over and over.
VECTORS, TILES = 1024, 8
#: Cycles that each tile works.
TILE = 128
_DRIVER = pathlib.Path(__file__).with_name("array.cpp")


class BareArray:
    """The array of ``params`` in its driver, given random data; see array.cpp for when.

    Raises:
        SimulationError: a step of the build failed.
    """

    def __init__(
        self, params: Params, cache: pathlib.Path | None = None, progress: Progress | None = None
    ):
        path = Builder(cache=cache).build(params, SystolicArray, progress, _DRIVER)
        self._run = ctypes.CDLL(str(path)).array_run
        pointer, word = ctypes.c_void_p, ctypes.c_uint32
        self._run.argtypes = (ctypes.c_uint64, word, pointer, word, pointer, word, pointer)
        self._run.restype = None
        random = np.random.default_rng(1)
        self._params = params
        self._lanes = random.integers(-128, 128, (VECTORS, params.rows), np.int8)
        self._weights = random.integers(-127, 128, (TILES, params.rows, params.cols), np.int8)

    def seconds(self, cycles: int) -> float:
        """Processor seconds that ``cycles`` cycles take."""
        begin = time.thread_time()
        self._simulate(cycles, None)
        return time.thread_time() - begin

    def outputs(self, cycles: int) -> np.ndarray:
        """What leaves the array in each cycle, int32 [cycles, cols]."""
        sums = np.empty((cycles, self._params.cols), np.int32)
        self._simulate(cycles, sums.ctypes.data)
        return sums

    def expected(self, cycles: int) -> np.ndarray:
        """What ``outputs`` must be: products of integer matrices, in the cycles they are due."""
        rows, cols = self._params.rows, self._params.cols
        sums = np.zeros((cycles, cols), np.int32)
        for column in range(cols):
            delay = rows - 1 + PE_LATENCY + column
            # The first tile starts to work after its swap.
            for start in range(TILE, cycles - delay, TILE):
                times = np.arange(start, min(start + TILE, cycles - delay))
                weights = self._weights[(start // TILE - 1) % TILES, :, column].astype(np.int32)
                sums[times + delay, column] = self._lanes[times % VECTORS] @ weights
        return sums

    def _simulate(self, cycles, sums):
        lanes, weights = self._lanes.ctypes.data, self._weights.ctypes.data
        self._run(cycles, TILE, lanes, VECTORS, weights, TILES, sums)
