"""TRANSPOSE of an image: slices along one dimension, put together along another.

A dimension can go anywhere if it is cut into single rows, columns or channels: what is left of each
keeps the order of its bytes.  So every order of three dimensions needs one such move, but for the
reversed one, which needs two.  Dimensions of one element do not count.
"""

from accel.frontend import pieces
from accel.frontend.notes import EXACT, runs
from accel.frontend.tflite.build import MOST_PIECES
from accel.frontend.tflite.view import View
from accel.graph.ir import Assemble, Reshape, Slice, Tensor
from accel.graph.places import along


@runs("addresses", EXACT, "any order behind the batch, by copies of rows, columns or channels")
def transpose(op: View) -> None:
    """TRANSPOSE(input, order)."""
    op.counts(2, 2)
    source, rank = op.source(), len(op.record(0).shape)
    order = op.constant(1, ("int32",)).ravel().tolist()
    op.require(sorted(order) == list(range(rank)), f"it must order {rank} dimensions", order)
    shape = op.record(0).shape
    wanted = [shape[axis] for axis in order]
    op.require(list(op.result.shape) == wanted, f"output must have shape {wanted}",
               list(op.result.shape))
    target = op.target()
    op.same(source, target)
    large = [axis for axis in range(rank) if shape[axis] > 1]
    sizes = tuple([1] * (3 - len(large)) + [shape[axis] for axis in large])
    known = [large.index(axis) + 3 - len(large) for axis in order if shape[axis] > 1]
    order = [*range(3 - len(large)), *known]
    value = _view(op, source, sizes, "in")
    for number, step in enumerate(_steps(order, sizes)):
        value = _moved(op, value, step, number)
    op.add(Reshape(op.name, value.name, target.name))


def _view(op: View, tensor: Tensor, shape, name: str) -> Tensor:
    if tensor.shape == tuple(shape):
        return tensor
    seen = op.builder.extra(f"{op.name}/{name}", tensor, tuple(shape))
    op.add(Reshape(seen.name, tensor.name, seen.name))
    return seen


def _movable(order: list[int], sizes) -> list[int]:
    """Dimensions whose move alone gives an order, those with the fewest elements first."""
    found = [axis for axis in range(3)
             if sorted(rest := [one for one in order if one != axis]) == rest]
    return sorted(found, key=lambda axis: sizes[axis])


def _steps(order: list[int], sizes) -> list[list[int]]:
    """Orders that follow each other, each of which moves one dimension."""
    if order == [0, 1, 2]:
        return []
    if _movable(order, sizes):
        return [order]
    first = [order[0], *sorted(order[1:])]
    return [first, [first.index(axis) for axis in order]]


def _moved(op: View, source: Tensor, order: list[int], number: int) -> Tensor:
    """One dimension of an image moved; output dimension n is the input's ``order[n]``."""
    axis = _movable(order, source.shape)[0]
    count, shape = source.shape[axis], tuple(source.shape[n] for n in order)
    op.require(count <= MOST_PIECES, f"it must move at most {MOST_PIECES} parts", count)
    op.spend(16 * count)
    place = order.index(axis)
    cut, laid = (tuple(1 if n == at else size for n, size in enumerate(whole))
                 for whole, at in ((source.shape, axis), (shape, place)))
    names = []
    for n in range(count):
        part = op.builder.extra(f"{op.name}/{number}/{n}", source, cut)
        [piece] = pieces.cut(tuple(n if at == axis else 0 for at in range(3)), cut)
        op.add(Slice(part.name, source.name, part.name, piece.source, cut))
        names.append(_view(op, part, laid, f"{number}/{n}/turned").name)
    moved = op.builder.extra(f"{op.name}/{number}", source, shape)
    op.add(Assemble(moved.name, tuple(names), moved.name, along(place, [1] * count)))
    return moved
