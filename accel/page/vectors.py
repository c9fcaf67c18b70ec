"""Which vector of the array computes which pixel: the program's EXEC commands, read back.

The exec engine issues its vectors in the order of its commands: of each command tile after tile,
of each tile pixel after pixel.  So the number of a vector follows from the program alone, and the
page, which logs the cycle of every vector, can say when the array worked on a pixel.

A block's sums wait in one accumulator bank; POST takes the blocks in the order in which EXEC fills
them.  Where a POST begins an image, its address says which channels and rows of the layer it is of.
"""

import dataclasses

import numpy as np

from accel.graph.ir import AveragePool, Conv, Graph, MaxPool
from accel.isa import COMMAND_BYTES, Op, unpack
from accel.params import Params
from accel.program import Placement, Program, Step

#: What JavaScript needs of an EXEC command.
_FIELDS = ("base", "nx", "ny", "step_x", "step_y", "k", "seg", "seg_skip")


@dataclasses.dataclass(frozen=True)
class Exec:
    """An EXEC command: its fields, and the number of its first vector.

    ``taps`` are (ky, kx, first, last) in the order of the reduction index: of each tap, the input's
    channels from first to last - 1.
    """

    fields: dict[str, int]
    vector: int
    taps: tuple[tuple[int, int, int, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class Block:
    """The sums of some pixels and channels of a layer, before pooling.

    Attributes:
        channel, cols: the first channel and how many.
        y, x: where the image's first pixel lies in the layer.
        width: pixels of a row of the image.
        first, count: pixels of the image, in raster order, that the block has.
        weights: address of its weight tiles.
        execs: the commands that add them up.
    """

    channel: int
    cols: int
    y: int
    x: int
    width: int
    first: int
    count: int
    weights: int
    execs: tuple[Exec, ...]


def commands(program: Program, step: Step) -> list[tuple[Op, dict[str, int]]]:
    """The commands of a step."""
    starts = range(step.start, step.start + step.commands * COMMAND_BYTES, COMMAND_BYTES)
    return [unpack(program.image[start : start + COMMAND_BYTES].tobytes()) for start in starts]


def blocks(program: Program, step: Step, graph: Graph) -> dict[str, list[Block]]:
    """The blocks of a step's layers, by layer, in the order in which the array computes them.

    Layers whose blocks do not tell what they are of (their weights lie in another order than the
    network's) are left out.
    """
    ended = {layer.mark_addr: layer for layer in step.layers}
    nodes = {node.name: node for node in graph.nodes}
    found, open_, image, done = {}, [], None, 0
    filled = _filled(program, step)
    for op, fields in commands(program, step):
        if op is not Op.POST:
            continue
        if fields["begin"]:
            image, done = fields, 0
        open_.append((image, done, fields["count"], *next(filled)))
        done += fields["count"]
        if fields["mark"]:
            layer = ended[fields["mark_addr"]]
            inside = [nodes[name] for name in layer.nodes if name in nodes]
            made = [_block(program.tensors[layer.output], inside, *one) for one in open_]
            made = [_with_taps(program, inside, block) for block in made]
            if all(made):
                found[layer.name] = made
            open_ = []
    return found


def vectors_of(fields: dict[str, int], params: Params) -> int:
    """How many vectors an EXEC command issues."""
    return -(-fields["k"] // params.rows) * fields["nx"] * fields["ny"]


def _filled(program, step):
    """For each block, in turn, the address of its weight tiles and its EXEC commands."""
    execs, number, sources = [], 0, []
    for op, fields in commands(program, step):
        if op is Op.WEIGHTS:
            sources.append(fields["src"] + program.params.param_bytes)
        if op is Op.EXEC:
            execs.append(Exec({name: fields[name] for name in _FIELDS}, number))
            number += vectors_of(fields, program.params)
            if fields["last"]:
                yield sources.pop(0), tuple(execs)
                execs = []


def _block(place: Placement, inside, image: dict, first: int, count: int, weights, execs) -> Block:
    """A block of the image that the POST command ``image`` began."""
    y, rest = divmod(image["dst"] - place.address, place.row)
    x, channel = divmod(rest, place.pixel)
    for pool in inside:
        if isinstance(pool, MaxPool | AveragePool):
            # Where the first window begins, and how much of it is padding.
            y = y * pool.stride[0] - pool.padding[0] + image["pt"]
            x = x * pool.stride[1] - pool.padding[1] + image["pl"]
    return Block(
        channel, image["cols"], y, x, image["in_w"], first, count, weights, execs
    )


def _with_taps(program: Program, inside, block: Block) -> Block | None:
    """The block with every command's taps; None if no order of them gives the weights there."""
    convs = [node for node in inside if isinstance(node, Conv)]
    if len(convs) != 1 or convs[0].groups != 1:
        return None
    weights = convs[0].weights[block.channel : block.channel + block.cols]
    there = _matrix(program, block)
    for order in _orders(weights.shape, block.execs[0].fields["k"]):
        meant = [weights[:, ky, kx, first:last].T for ky, kx, first, last in order]
        if not np.array_equal(np.concatenate(meant), there):
            continue
        execs = []
        for one in block.execs:
            taps, left = [], one.fields["k"]
            while left > 0:
                taps.append(order.pop(0))
                left -= taps[-1][3] - taps[-1][2]
            if left:
                return None
            execs.append(dataclasses.replace(one, taps=tuple(taps)))
        return dataclasses.replace(block, execs=tuple(execs))
    return None


def _orders(shape, k: int):
    """Orders in which a compiler may walk a kernel whose first command has ``k`` numbers.

    A few channels after others; of those, row by row or column by column.
    """
    _, high, wide, channels = shape
    by_row = [(ky, kx) for ky in range(high) for kx in range(wide)]
    by_column = [(ky, kx) for kx in range(wide) for ky in range(high)]
    for count in range(1, len(by_row) + 1):
        width = k // count
        if k % count or width > channels:
            continue
        parts = [(c, min(c + width, channels)) for c in range(0, channels, width)]
        for taps in (by_row, by_column):
            yield [(ky, kx, *part) for part in parts for ky, kx in taps]


def _matrix(program: Program, block: Block) -> np.ndarray:
    """A block's weights as the array gets them: int8 [reduction index, column]."""
    params, at, parts = program.params, block.weights, []
    for one in block.execs:
        k = one.fields["k"]
        tiles = -(-k // params.rows)
        size = tiles * params.tile_bytes
        tile = program.image[at : at + size].view(np.int8)
        parts.append(tile.reshape(tiles * params.rows, params.cols)[:k, : block.cols])
        at += size
    return np.concatenate(parts)
