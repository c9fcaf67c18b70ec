"""The weight stream: one parameter record and its tiles for every group of output channels."""

import numpy as np

from accel.compiler.layer import Group
from accel.compiler.walks import Kernel
from accel.params import PARAM_PLANES, Params


def _planes(group: Group, params: Params) -> np.ndarray:
    """The parameter record: byte planes of bias, multiplier and shift."""
    planes = np.zeros((params.param_words, params.cols), np.uint8)
    for low, values in ((0, group.bias), (4, group.multiplier)):
        words = np.asarray(values).astype("<i4").view(np.uint8).reshape(-1, 4)
        planes[low : low + 4, : group.cols] = words.T
    planes[PARAM_PLANES - 1, : group.cols] = np.asarray(group.shift).astype(np.int8).view(np.uint8)
    return planes.reshape(-1)


def _tiles(lanes: np.ndarray, rows: int, params: Params) -> np.ndarray:
    """Weights [k, outputs] as tiles of ``rows`` x C bytes."""
    depth = -(-lanes.shape[0] // rows) * rows
    tiles = np.zeros((depth, params.cols), np.uint8)
    tiles[: lanes.shape[0], : lanes.shape[1]] = lanes.astype(np.int8).view(np.uint8)
    return tiles.reshape(-1)


def record(group: Group, chunks: tuple[Kernel, ...], params: Params) -> np.ndarray:
    """The bytes (uint8) of a group's parameter record and tiles, in the order EXECs use them."""
    parts = [_planes(group, params)]
    first = 0
    for chunk in chunks:
        channels = slice(first, first + chunk.channels)
        first += chunk.channels
        for walk in chunk.walks:
            taps = [group.weights[:, ky, kx, channels] for ky, kx in walk.taps]
            lanes = np.concatenate(taps, axis=1).T  # [k, outputs]
            parts.append(_tiles(lanes, params.rows, params))
    return np.concatenate(parts)


def window_record(group: Group, params: Params) -> np.ndarray:
    """The same for a depthwise group on the window unit."""
    lanes = group.weights.reshape(group.cols, -1).T
    return np.concatenate([_planes(group, params), _tiles(lanes, params.window_taps, params)])


def tiles(chunks: tuple[Kernel, ...]) -> int:
    """Weight tiles of a group."""
    return sum(chunk.tiles for chunk in chunks)
