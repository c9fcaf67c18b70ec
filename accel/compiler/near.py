"""Layers whose results stay on the chip: which, and how they are cut.

A pair is an array's layer and a layer of sliding windows behind it, the only one that looks at the
first's output.  The array computes one group of C channels after the other, each from top to
bottom; post-processing writes the rows into the window unit's buffer, where copies write nothing
but the padding around them; the window unit follows as far as the rows reach:

    array    | group 0: rows 0..3 | rows 4..7 | rows 8..11 | group 1: rows 0..3 | ...
    post          -> buffer: 0..3   -> 4..7     -> 8..11     -> 0..3
    window                     outputs 0..2 |    3..6    |    7..11   |  0..2  | ...

Where the only one that looks at the second's output is a pointwise layer of the array, and the
array's buffer has room for the whole image, the window unit writes there (accel/compiler/fed.py).

Some groups may go through *together*, row by row; then the input is read less often, and if they
are all groups, the blocks of a pointwise layer behind can come between those of the first:

    array    | rows 0..1: groups 0 1 2 | rows 2..3: groups 0 1 2, third: rows 0 | ...
    window              | outputs 0: groups 0 1 2 | outputs 1..2: groups 0 1 2 | ...

so that array and window unit both have something to do all the time.

A POST waits for the windows that read what it overwrites, a WINDOW for the POST of its last row,
and so on: each waits for what was added to the stream before it, and no order of that form is
circular.  Every row is in some window, and every pixel is in the pointwise layer's: so whoever
overwrites it, and waits for that, comes behind its writer.
"""

import dataclasses

from accel.compiler import near_cut
from accel.compiler.layer import Axis, Context, MachineLayer
from accel.compiler.near_cost import Cost
from accel.compiler.near_cut import Pair
from accel.compiler.window import AddLayer, WindowLayer
from accel.isa import Pool

#: Another order than group by group has to be faster by this factor, by rough cost.
_CLEARLY = 1.02
#: What stays may take so many times as long as the layers apart, by rough cost, which is no nearer.
_PAYS = 1.3


def pairs(context: Context, layers: list, tilings: list) -> dict[int, Pair]:
    """Which layers of a step stay near the next one, by number.

    Parameters:
        layers: in order.
        tilings: as they would be alone; changed where layers stay near.
    """
    found: dict[int, Pair] = {}
    taken = -1
    for number, (first, second) in enumerate(zip(layers, layers[1:], strict=False)):
        if number <= taken or not _matches(context, first, second):
            continue
        third = layers[number + 2] if number + 2 < len(layers) else None
        if not _fits_behind(context, first, second, third):
            third = None
        fed = number - 2 in found and found[number - 2].feeds
        pair = _best(context, (first, second, third), tilings[number : number + 3], fed,
                     _stays_too(context, layers, number + 2))  # fmt: skip
        if pair:
            found[number], tilings[number] = pair, [pair.tiling]
            if pair.feeds:
                tilings[number + 2] = [pair.follower or pair.behind]
            taken = number + 2 if pair.follower else number
    return found


def tails(layers: list, found: dict[int, Pair]) -> set[int]:
    """Behind which chains an addition of their result comes, by the first layer's number.

    Its other operand is there: it is of one image, and reads nothing else that they make.
    """
    def added(number: int) -> bool:
        last = layers[number + 2]
        behind = layers[number + 3] if number + 3 < len(layers) else None
        return (
            isinstance(behind, AddLayer)
            and last.output in [view.tensor for view in behind.views]
            and last.channels == behind.shape[2]
            and all(view.images == 1 for view in behind.views)
            and len({(view.row_pitch, view.pixel_pitch) for view in behind.views}) == 1
        )

    return {number for number, pair in found.items() if pair.follower and added(number)}


def _stays_too(context: Context, layers: list, number: int) -> bool:
    """Whether a layer may be the first of a pair itself."""
    return number + 1 < len(layers) and _matches(context, layers[number], layers[number + 1])


def _only(context: Context, name: str) -> bool:
    """Whether a tensor has one user, and shares its memory with no other."""
    graph = context.graph
    users = [node for node in graph.nodes if name in node.inputs]
    shared = [other for other, seat in context.seats.items() if seat.root == name]
    outputs = (port.tensor for port in graph.outputs)
    return len(users) == 1 and shared == [name] and name not in outputs


def _matches(context: Context, first, second) -> bool:
    """Whether two layers are a pair, of one group of channels after the other."""
    if not isinstance(first, MachineLayer) or not isinstance(second, WindowLayer):
        return False
    name, cols = first.output, context.params.cols
    groups = [(group.first, group.cols) for part in first.slices for group in part.groups]
    return (
        second.view.tensor == name
        and _only(context, name)
        and len(first.slices) == 1
        and first.pooling.kind == Pool.NONE
        and first.view.images == second.view.images
        and second.rows.kernel >= second.rows.stride
        and second.rows.span(0, second.rows.outputs)[1] >= second.rows.size
        and (first.rows.outputs, first.columns.outputs) == (second.rows.size, second.columns.size)
        and groups == [
            (lo, min(cols, first.channels - lo)) for lo in range(0, first.channels, cols)
        ]
    )


def _fits_behind(context: Context, first, second: WindowLayer, third) -> bool:
    """Whether a layer can read what the window unit puts into the array's buffer."""
    if not isinstance(third, MachineLayer) or not context.params.window_feeds_array:
        return False
    rows, columns = second.rows.outputs, second.columns.outputs
    return (
        third.view.tensor == second.output
        and not third.view.group
        and _only(context, second.output)
        and first.view.images == third.view.images == 1
        and len(third.slices) == 1
        and (third.rows, third.columns) == (Axis(rows, rows), Axis(columns, columns))
        and third.slices[0].channels == second.channels
        and not third.pooling.alone
    )


def _best(context: Context, layers, tilings, fed: bool, stays_too: bool) -> Pair | None:
    """How to cut a pair; None if it does not fit the buffers, or would not pay."""
    (first, second, third), params = layers, context.params
    cost, best = Cost(layers, params), None
    least = _PAYS * cost.apart(tilings[:1] + tilings[2:])
    behind = third and near_cut.behind(third, tilings[2][0], params)
    for blocks in near_cut.BLOCKS:
        pair = near_cut.by_group(first, second, tilings[0][0], params, *blocks)
        if pair and behind and not pair.again and near_cut.has_room(pair, layers, params):
            pair = dataclasses.replace(pair, feeds=True, behind=behind)
        if pair and cost.of(pair) < least:
            best, least = pair, cost.of(pair)
    for pair in near_cut.together(layers, params, fed):
        if cost.of(pair, stays_too) * _CLEARLY < least:
            best, least = pair, cost.of(pair, stays_too)
    return best
