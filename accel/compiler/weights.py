"""The weight stream: one parameter record and its tiles for every group of output channels."""

import numpy as np

from accel.compiler.layer import Group
from accel.compiler.walks import Kernel
from accel.params import PARAM_PLANES, Params


def record(group: Group, chunks: tuple[Kernel, ...], params: Params) -> np.ndarray:
    """The bytes (uint8) of a group's parameter record and tiles, in the order EXECs use them."""
    planes = np.zeros((params.param_words, params.cols), np.uint8)
    for low, values in ((0, group.bias), (4, group.multiplier)):
        words = np.asarray(values).astype("<i4").view(np.uint8).reshape(-1, 4)
        planes[low : low + 4, : group.cols] = words.T
    planes[PARAM_PLANES - 1, : group.cols] = np.asarray(group.shift).astype(np.int8).view(np.uint8)
    parts = [planes.reshape(-1)]
    first = 0
    for chunk in chunks:
        channels = slice(first, first + chunk.channels)
        first += chunk.channels
        for walk in chunk.walks:
            taps = [group.weights[:, ky, kx, channels] for ky, kx in walk.taps]
            lanes = np.concatenate(taps, axis=1).T  # [k, outputs]
            depth = -(-lanes.shape[0] // params.rows) * params.rows
            tiles = np.zeros((depth, params.cols), np.uint8)
            tiles[: lanes.shape[0], : group.cols] = lanes.astype(np.int8).view(np.uint8)
            parts.append(tiles.reshape(-1))
    return np.concatenate(parts)


def tiles(chunks: tuple[Kernel, ...]) -> int:
    """Weight tiles of a group."""
    return sum(chunk.tiles for chunk in chunks)
