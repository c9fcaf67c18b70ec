"""Operators that only move bytes, or not even that: SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, PACK,
UNPACK, SQUEEZE, EXPAND_DIMS, RESIZE_NEAREST_NEIGHBOR, DEPTH_TO_SPACE and SPACE_TO_DEPTH.

A tensor of the file lies in memory as (height, width, channels), with sizes of 1 in front where it
has fewer dimensions: so its last dimensions are the last ones in memory as well.
"""


import numpy as np

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite import pointwise, takes
from accel.frontend.tflite.build import LIMIT, MOST_PIECES
from accel.frontend.tflite.file import MAX_ARGUMENTS
from accel.frontend.tflite.view import View
from accel.graph.ir import Assemble, Reshape, Tensor
from accel.graph.places import along


def _put(op: View, source: Tensor, shape, parts, number: int = 0) -> None:
    """Append what puts pieces together to ``shape``, and a reshape where the output has another."""
    target = op.target(number)
    op.same(source, target)
    op.require(len(parts) <= MOST_PIECES, f"it must move at most {MOST_PIECES} parts", len(parts))
    op.require(target.size == np.prod(shape), f"output must have {list(shape)} elements",
               list(target.shape))
    name = f"{op.name}/{number}" if number else op.name
    moved = target
    if target.shape != tuple(shape):
        moved = op.builder.extra(f"{target.name}/moved", target, tuple(shape))

    def unused(wanted: str) -> str:
        return op.builder.extra(wanted, source).name

    tensors, nodes = pieces.nodes(name, source, moved, parts, unused)
    for tensor in tensors:
        op.builder.tensors[tensor.name] = tensor
    for node in nodes:
        op.add(node)
    if moved is not target:
        op.add(Reshape(f"{name}/shape", moved.name, target.name))


def _axis(op: View, axis: int, rank: int) -> int:
    """A dimension of the file as one of memory: 0 rows, 1 columns, 2 channels."""
    op.require(-rank <= axis < rank and axis % rank, f"axis must be from 1 to {rank - 1}", axis)
    return axis % rank + 3 - rank


def _cut(op: View, source: Tensor, chosen, number: int = 0) -> None:
    """Cut a part out: a range of each dimension of memory."""
    starts, counts = tuple(one[0] for one in chosen), tuple(len(one) for one in chosen)
    steps = tuple(one.step if len(one) > 1 else 1 for one in chosen)
    op.require(steps[2] == 1, "channels must be cut with stride 1", steps[2])
    _put(op, source, counts, pieces.cut(starts, counts, steps[:2]), number)


@runs("addresses", EXACT)
def slice_(op: View) -> None:
    """SLICE(input, begin, size)."""
    op.counts(3, 3)
    source, rank = op.source(), len(op.record(0).shape)
    begin, size = (op.constant(at, ("int32", "int64")).ravel().tolist() for at in (1, 2))
    op.require(len(begin) == len(size) == rank, f"begin and size must have {rank} numbers",
               [len(begin), len(size)])
    chosen = []
    for total, first, count in zip((1, *op.record(0).shape[1:]), begin, size, strict=True):
        count = total - first if count == -1 else count
        op.require(first >= 0 and 0 < count <= total - first,
                   f"it must cut some of the {total} elements", f"{count} from {first} on")
        chosen.append(range(first, first + count))
    _cut(op, source, _memory(chosen))


def _memory(chosen) -> list[range]:
    """Ranges of the file's dimensions behind the batch as three of memory."""
    return [*[range(1)] * (4 - len(chosen)), *chosen[1:]]


@runs("addresses", EXACT, "any strides; of dimensions: their numbers")
def strided_slice(op: View) -> None:
    """STRIDED_SLICE(input, begin, end, strides), of an image; of dimensions, their sizes."""
    op.counts(1, 4)
    if op.record(0).dtype == "int32":
        pointwise.sizes(op)
        return
    op.counts(4, 4)
    source, shape = op.source(), (1, *op.record(0).shape[1:])
    begin, end, strides = (op.constant(at, ("int32",)).ravel().tolist() for at in (1, 2, 3))
    op.require(len(begin) == len(end) == len(strides) <= len(shape),
               f"begin, end and strides must have up to {len(shape)} numbers",
               [len(begin), len(end), len(strides)])
    for option in ("EllipsisMask", "NewAxisMask", "Offset"):
        op.require(not op.options[option], f"{option} must be 0", op.options[option])
    chosen = []
    for n, total in enumerate(shape):
        given = n < len(begin)
        step = strides[n] if given else 1
        op.require(step != 0, "strides must not be 0", step)
        first = begin[n] if given and not op.options["BeginMask"] >> n & 1 else None
        last = end[n] if given and not op.options["EndMask"] >> n & 1 else None
        if given and op.options["ShrinkAxisMask"] >> n & 1:
            op.require(n > 0, "the batch must stay a dimension", "ShrinkAxisMask of it")
            first = begin[n] if first is not None else 0
            op.require(-total <= first < total, f"begin must be within {total}", first)
            first %= total
            last, step = first + 1, 1
        chosen.append(range(total)[slice(first, last, step)])
        op.require(len(chosen[-1]) > 0, "what it cuts must not be empty", f"of dimension {n}")
    if any(one.step < 1 for one in chosen) or chosen[-1].step > 1:
        takes.put(op, source, chosen[1:])
    else:
        _cut(op, source, _memory(chosen))


@runs("addresses", EXACT, "any axis but the batch")
def split(op: View) -> None:
    """SPLIT(axis, input) into equal parts."""
    op.counts(2, 2, outputs=MAX_ARGUMENTS)
    axis, count = op.constant(0, ("int32",)).ravel().tolist(), len(op.operator.outputs)
    op.require(len(axis) == 1, "axis must be one number", axis)
    given = op.viewing(1)
    place = _axis(op, axis[0], len(given.record(0).shape))
    size = given.source().shape[place]
    op.require(op.options["NumSplits"] == count and size % count == 0,
               f"NumSplits must be the number of outputs, and divide {size}",
               [op.options["NumSplits"], count])
    _split(given, place, [size // count] * count)


@runs("addresses", EXACT, "any axis but the batch")
def split_v(op: View) -> None:
    """SPLIT_V(input, sizes, axis)."""
    op.counts(3, 3, outputs=MAX_ARGUMENTS)
    sizes, axis = (op.constant(at, ("int32", "int64")).ravel().tolist() for at in (1, 2))
    op.require(len(axis) == 1, "axis must be one number", axis)
    place = _axis(op, axis[0], len(op.record(0).shape))
    total, count = op.source().shape[place], len(op.operator.outputs)
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = total - sum(sizes) - 1
    op.require(len(sizes) == count and min(sizes) > 0 and sum(sizes) == total,
               f"sizes must give {total} elements to {count} outputs, none empty", sizes)
    _split(op, place, sizes)


def _split(op: View, axis: int, sizes: list[int]) -> None:
    source, first = op.source(), 0
    for number, size in enumerate(sizes):
        chosen = [range(total) for total in source.shape]
        chosen[axis] = range(first, first + size)
        _cut(op, source, chosen, number)
        first += size


@runs("addresses", EXACT, "any axis but the batch")
def unpack(op: View) -> None:
    """UNPACK: every row, or column, or channel, a tensor of its own."""
    op.counts(1, 1, outputs=MAX_ARGUMENTS)
    source, count = op.source(), len(op.operator.outputs)
    axis = _axis(op, op.options["Axis"], len(op.record(0).shape))
    op.require(op.options["Num"] == count == source.shape[axis],
               f"Num must be the number of outputs, and {source.shape[axis]}", op.options["Num"])
    _split(op, axis, [1] * count)


@runs("addresses", EXACT, "any axis but the batch")
def pack(op: View) -> None:
    """PACK: tensors along a new axis; of dimensions, their sizes."""
    op.counts(1, MAX_ARGUMENTS)
    if op.record(0).dtype == "int32":
        pointwise.sizes(op)
        return
    sources = [op.source(at) for at in range(len(op.operator.inputs))]
    rank = len(op.record(0).shape)
    for at, source in enumerate(sources):
        op.require((op.record(at).shape, op.record(at).dtype)
                   == (op.record(0).shape, op.record(0).dtype),
                   f"{op.title(at)} must be as the first", list(source.shape))
    axis = _axis(op, op.options["Axis"], rank + 1)
    target = op.target()
    shape = list((1, 1, *op.record(0).shape[1:])[-2:])
    shape.insert(axis, 1)
    names = []
    for at, source in enumerate(sources):
        op.same(source, target)
        longer = op.builder.extra(f"{op.name}_{at}", source, tuple(shape))
        op.add(Reshape(longer.name, source.name, longer.name))
        names.append(longer.name)
    op.add(Assemble(op.name, tuple(names), target.name, along(axis, [1] * len(names))))


@runs("addresses", EXACT)
def resize_nearest_neighbor(op: View) -> None:
    """RESIZE_NEAREST_NEIGHBOR(input, size), in float32 as LiteRT computes it."""
    op.counts(2, 2)
    source, sizes = op.source(), op.constant(1, ("int32",)).ravel().tolist()
    op.require(len(op.record(0).shape) == 4 and len(sizes) == 2
               and all(1 <= size <= LIMIT for size in sizes),
               f"size must be two numbers from 1 to {LIMIT}, for an image", sizes)
    taken = [_nearest(op, source.shape[n], sizes[n]) for n in (0, 1)]
    rows, columns = map(pieces.pattern, taken)
    channels = source.shape[2]
    if rows is None or columns is None:
        takes.put(op, source, [*(one.tolist() for one in taken), range(channels)])
        return
    _put(op, source, (*sizes, channels), pieces.resized(rows, columns, channels))


def _nearest(op: View, size: int, outputs: int) -> np.ndarray:
    """Which rows or columns the outputs are."""
    corners, half = op.options["AlignCorners"], op.options["HalfPixelCenters"]
    f32 = np.float32
    scale = f32(size) / f32(outputs)
    if corners and outputs > 1:
        scale = f32(size - 1) / f32(outputs - 1)
    place = (np.arange(outputs, dtype=f32) + f32(0.5 if half else 0)) * scale
    # Halves away from zero; no place is negative.
    taken = np.floor(place + f32(0.5)) if corners else np.floor(place)
    return np.clip(taken, 0, size - 1).astype(int)


@runs("addresses", EXACT)
def depth_to_space(op: View) -> None:
    """DEPTH_TO_SPACE."""
    op.counts(1, 1)
    source, block = op.source(), op.size("BlockSize")
    height, width, channels = source.shape
    op.require(len(op.record(0).shape) == 4 and channels % block**2 == 0,
               f"channels of an image must be a multiple of {block**2}", list(source.shape))
    _put(op, source, (height * block, width * block, channels // block**2),
         pieces.to_space(source.shape, block) if block**2 <= MOST_PIECES else ())


@runs("addresses", EXACT)
def space_to_depth(op: View) -> None:
    """SPACE_TO_DEPTH."""
    op.counts(1, 1)
    source, block = op.source(), op.size("BlockSize")
    height, width, channels = source.shape
    op.require(len(op.record(0).shape) == 4 and height % block == width % block == 0,
               f"rows and columns of an image must be multiples of {block}", list(source.shape))
    _put(op, source, (height // block, width // block, channels * block**2),
         pieces.to_depth(source.shape, block))


@runs("addresses", EXACT, "the bytes stay where they are")
def viewed(op: View) -> None:
    """SQUEEZE and EXPAND_DIMS: the same bytes in the output's shape, which is static."""
    op.counts(1, 2)
    source, target = op.source(), op.target()
    op.same(source, target)
    op.shaped(source.shape)
    op.add(Reshape(op.name, source.name, target.name))


HANDLERS = {
    "SQUEEZE": viewed, "EXPAND_DIMS": viewed, "SLICE": slice_, "STRIDED_SLICE": strided_slice,
    "SPLIT": split, "SPLIT_V": split_v, "PACK": pack, "UNPACK": unpack,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest_neighbor,
    "DEPTH_TO_SPACE": depth_to_space, "SPACE_TO_DEPTH": space_to_depth,
}  # fmt: skip
