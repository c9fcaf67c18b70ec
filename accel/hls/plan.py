"""Where every tensor of an exported network lies: in `input`, in `output` or in `memory`.

Tensors between the layers share one buffer, and space is used again once a tensor's last reader
is done.  A reshape moves nothing: both its tensors are one, its *root*.
"""

import dataclasses

from accel.graph.ir import Reshape
from accel.hls.split import Part

#: Everything in a buffer starts at a multiple of this many bytes: one beat of a 512-bit bus.
ALIGN = 64


@dataclasses.dataclass(frozen=True)
class Place:
    """``offset`` bytes into the argument ``space`` of the top function."""

    space: str
    offset: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """Places of tensors.

    ``places`` are by name; ``roots`` name the tensor of which each one is a view, itself if of
    none.  ``results`` are where the network's outputs must be in the end; one that lies elsewhere
    is copied.  ``sizes`` are the bytes of each space.
    """

    places: dict[str, Place]
    roots: dict[str, str]
    results: dict[str, Place]
    sizes: dict[str, int]


def aligned(size: int) -> int:
    """Return ``size`` rounded up to a multiple of ALIGN."""
    return -(-size // ALIGN) * ALIGN


def plan(part: Part) -> Plan:
    """Place every tensor."""
    tensors = part.graph.tensors
    roots = {name: name for name in part.inputs}
    for node in part.nodes:
        roots[node.output] = roots[node.input] if isinstance(node, Reshape) else node.output
    found, input_bytes = _in_a_row("input", part.inputs, tensors)
    results, output_bytes = _in_a_row("output", part.outputs, tensors)
    for name, place in results.items():
        found.setdefault(roots[name], place)
    lives = _lives(part, roots, found)
    offsets, memory_bytes = pack({name: tensors[name].size for name in lives}, lives)
    found |= {name: Place("memory", offset) for name, offset in offsets.items()}
    sizes = {"input": input_bytes, "output": output_bytes, "memory": memory_bytes}
    return Plan({name: found[root] for name, root in roots.items()}, roots, results, sizes)


def _in_a_row(space, names, tensors) -> tuple[dict[str, Place], int]:
    """Places of tensors one behind the other, and the bytes that they take."""
    places, end = {}, 0
    for name in names:
        places[name] = Place(space, end)
        end += tensors[name].size
    return places, end


def _lives(part: Part, roots, found) -> dict[str, tuple[int, int]]:
    """The first and the last node that touches each root that is not placed yet."""
    lives = {}
    for number, node in enumerate(part.nodes):
        for name in (node.output, *node.inputs):
            root = roots[name]
            if root not in found:
                lives[root] = lives.get(root, (number, 0))[0], number
    return lives


def pack(sizes: dict[str, int], lives: dict[str, tuple[int, int]]) -> tuple[dict[str, int], int]:
    """Give every block the lowest offset where no other one lives at the same time.

    The largest go first.

    Args:
        sizes: bytes by name.
        lives: the first and the last step at which a block is in use, both included.

    Returns:
        Offsets by name, multiples of ALIGN; and where the last block ends.
    """
    placed: dict[str, tuple[int, int]] = {}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        born, dies = lives[name]
        taken = sorted(
            place for other, place in placed.items()
            if lives[other][0] <= dies and born <= lives[other][1]
        )
        start = 0
        for low, high in taken:
            if start + sizes[name] <= low:
                break
            start = max(start, aligned(high))
        placed[name] = start, start + sizes[name]
    return {name: low for name, (low, _) in placed.items()}, max(
        (high for _, high in placed.values()), default=0
    )
