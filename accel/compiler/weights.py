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
    """A parameter record and its tiles: their length, and what puts them into so many zeroes."""

    size: int
    write: Callable[[np.ndarray], None]


def record(group: Group, chunks: tuple[Kernel, ...], params: Params) -> Record:
    """The record of a group, its tiles in the order EXECs use them."""
    size = params.param_bytes + tiles(chunks) * params.tile_bytes
    return Record(size, lambda room: _write_array(room, group, chunks, params))


def window_record(group: Group, params: Params) -> Record:
    """The record of a depthwise group on the window unit."""
    tile = params.window_taps
    count = -(-group.weights[0].size // tile)
    return Record(
        params.param_bytes + count * tile * params.cols,
        lambda room: _write_window(room, group, params),
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


def _write_array(
    room: np.ndarray, group: Group, chunks: tuple[Kernel, ...], params: Params
) -> None:
    _write_planes(room, group, params)
    first, at = 0, params.param_bytes
    for chunk in chunks:
        weights = group.weights[..., first : first + chunk.depth]
        first += chunk.depth
        for walk in chunk.walks:
            if len(chunk.walks) == 1:  # of all taps, in their order
                lanes = weights.reshape(group.cols, -1).T  # [k, outputs]: as they lie
            else:
                taps = [weights[:, ky, kx] for ky, kx in walk.taps]
                lanes = np.concatenate(taps, axis=1).T
            _write_tiles(room[at:], lanes, params)
            at += -(-lanes.shape[0] // params.rows) * params.tile_bytes


def _write_window(room: np.ndarray, group: Group, params: Params) -> None:
    _write_planes(room, group, params)
    _write_tiles(room[params.param_bytes :], group.weights.reshape(group.cols, -1).T, params)


def _write_planes(room: np.ndarray, group: Group, params: Params) -> None:
    """The parameter record: byte planes of bias, multiplier and shift."""
    planes = room[: params.param_bytes].reshape(-1, params.cols)
    for low, values in ((0, group.bias), (4, group.multiplier)):
        words = np.asarray(values).astype("<i4").view(np.uint8).reshape(-1, 4)
        planes[low : low + 4, : group.cols] = words.T
    planes[PARAM_PLANES - 1, : group.cols] = np.asarray(group.shift).astype(np.int8).view(np.uint8)


def _write_tiles(room: np.ndarray, lanes: np.ndarray, params: Params) -> None:
    """Weights [k, outputs] in rows of C bytes, which are tiles, the last one perhaps with gaps."""
    rows = room[: lanes.shape[0] * params.cols].view(np.int8).reshape(-1, params.cols)
    rows[:, : lanes.shape[1]] = lanes
