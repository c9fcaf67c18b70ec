"""The order of layers that do not depend on each other: the compiler's, not the file's.

A residual block has a shortcut, often a convolution.  Files list it in front of the main path, in
between, or behind it.  Elsewhere than in between, the main path's last convolution waits for the
rows that the one before it has just made.  So it had better come between those two:

    behind    | conv a | (waits) conv b | shortcut | (waits) addition
    in front  | shortcut | conv a | (waits) conv b | addition follows conv b's rows
    between   | conv a | shortcut | conv b | addition follows conv b's rows

The addition runs beside the layer in front of it, and needs the bus: if that leaves it too little
time on the bus, and the shortcut would leave it more, the shortcut stays behind.
"""

from accel.compiler import weave
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.window import AddLayer

#: How far in front of the addition a shortcut is looked for.
_FRONT = 6


def ordered(context: Context, layers: list, tilings: list) -> None:
    """Put the layers of a step, and how they are cut, into the better order."""
    for number, addition in enumerate(layers):
        if number < 3 or not isinstance(addition, AddLayer):
            continue
        places = [number - 1, *range(max(0, number - _FRONT), number - 2)]
        for place in places:
            if _moves(context, layers, tilings, number, place):
                for every in (layers, tilings):
                    every.insert(number - 2, every.pop(place))
                break


def _moves(context: Context, layers: list, tilings: list, number: int, place: int) -> bool:
    """Whether the layer at ``place`` is the shortcut of addition ``number``, and moves."""
    shortcut, addition = layers[place], layers[number]
    path = [*layers[place + 1 : number], *layers[number - 3 : place]]
    before, main = path[-2:]
    if not _is_block(context, before, main, shortcut, addition):
        return False
    if place < number - 1:
        return not any(view.tensor == shortcut.output for one in path for view in one.views)
    costs = [weave.cost_of(context, layers[one], tilings[one]) for one in (place - 1, place)]
    leaves, would_leave = (cost.array - cost.bus for cost in costs)
    height, width, channels = addition.shape
    needs = 3 * height * width * channels / context.params.bus_bytes
    return leaves >= min(needs, would_leave)


def _is_block(context: Context, before, main, shortcut, addition) -> bool:
    """Whether these are the last layers of a block whose shortcut is listed behind its main path.

    What the window unit makes stays on the chip only for the layer behind it.
    """
    if not isinstance(before, MachineLayer) or not isinstance(addition, AddLayer):
        return False
    if not weave.may(main) or not weave.may(shortcut):
        return False
    made = {context.seats[layer.output].root for layer in (before, main)}
    summed = {view.tensor for view in addition.views}
    return (
        summed == {main.output, shortcut.output}
        and main.view.tensor == before.output
        and context.seats[shortcut.view.tensor].root not in made
    )
