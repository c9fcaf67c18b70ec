"""The weight stream: one parameter record and its tiles for every group of output channels."""

import dataclasses
from collections.abc import Callable

import numpy as np

from accel.compiler.layer import Group, MachineLayer, Slice
from accel.compiler.tiling import Tiling
from accel.compiler.walks import Kernel, kernel
from accel.params import PARAM_PLANES, Params


@dataclasses.dataclass(frozen=True)
class Record:
    """A parameter record and its tiles: their length, and what makes their bytes (uint8)."""

    size: int
    make: Callable[[], np.ndarray]


def record(group: Group, chunks: tuple[Kernel, ...], params: Params) -> Record:
    """The record of a group, its tiles in the order EXECs use them."""
    size = params.param_bytes + tiles(chunks) * params.tile_bytes
    return Record(size, lambda: _array_bytes(group, chunks, params))


def window_record(group: Group, params: Params) -> Record:
    """The record of a depthwise group on the window unit."""
    tile = params.window_taps
    count = -(-group.weights[0].size // tile)
    return Record(
        params.param_bytes + count * tile * params.cols, lambda: _window_bytes(group, params)
    )


def group_kernels(
    layer: MachineLayer, part: Slice, group: Group, tiling: Tiling
) -> tuple[Kernel, ...]:
    """The walks over a group's channels, chunk by chunk."""
    if part.splittable:
        return tiling.chunks
    lanes = tiling.chunks[0].lanes
    return (kernel(layer.rows, layer.columns, group.width, lanes),)


def tiles(chunks: tuple[Kernel, ...]) -> int:
    """Weight tiles of a group."""
    return sum(chunk.tiles for chunk in chunks)


def _array_bytes(group: Group, chunks: tuple[Kernel, ...], params: Params) -> np.ndarray:
    parts = [_planes(group, params)]
    _, kh, kw, _ = group.weights.shape
    first = 0
    for chunk in chunks:
        weights = group.weights[..., first : first + chunk.depth]
        first += chunk.depth
        for walk in chunk.walks:
            if chunk.groups > 1 or len(chunk.walks) == 1 and len(walk.taps) == kh * kw:
                lanes = weights.reshape(group.cols, -1).T  # [k, outputs]: as they lie
            else:
                taps = [weights[:, ky, kx] for ky, kx in walk.taps]
                lanes = np.concatenate(taps, axis=1).T
            parts.append(_tiles(lanes, params.rows, params))
    return np.concatenate(parts)


def _window_bytes(group: Group, params: Params) -> np.ndarray:
    lanes = group.weights.reshape(group.cols, -1).T
    return np.concatenate([_planes(group, params), _tiles(lanes, params.window_taps, params)])


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
    if lanes.dtype == np.int8 and lanes.shape == (depth, params.cols):
        return np.ascontiguousarray(lanes).view(np.uint8).reshape(-1)
    tiles = np.zeros((depth, params.cols), np.int8)
    tiles[: lanes.shape[0], : lanes.shape[1]] = lanes
    return tiles.reshape(-1).view(np.uint8)
