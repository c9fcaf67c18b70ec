"""Images to learn from where nobody has any: shapes drawn by a seeded generator.

They show that training works, not how good a network is: a shape is no photograph.  Everything is
whole numbers made of the bits of PCG64, a stream that NumPy promises never to change, so the same
seed gives the same bytes on every machine.
"""

import dataclasses

import numpy as np

#: Seed of the images; that of a run decides only what the run does with them.
SEED = 1
#: Images of a set: many small ones, fewer where one takes long to learn from.
SMALL, LARGE, LARGE_FROM = 2000, 250, 64
#: Pixels differ by up to this from their colour.
NOISE = 24


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Images [n, channels, height, width] in uint8, labels [n], and what they are, in words."""

    images: np.ndarray
    labels: np.ndarray
    summary: str


class _Bits:
    """Whole numbers from a seed."""

    def __init__(self, seed: int):
        self._bits = np.random.PCG64(seed)

    def upto(self, bound, *shape: int) -> np.ndarray:
        """Numbers from 0 to ``bound``, which is a number or an array that ``shape`` fits."""
        raw = self._bits.random_raw(int(np.prod(shape))).reshape(shape) >> np.uint64(32)
        return ((raw * (np.asarray(bound, np.uint64) + np.uint64(1))) >> np.uint64(32)).astype(int)


def _far(y, x):
    """Distance from the centre, in squares around it."""
    return np.maximum(abs(y), abs(x))


#: The shapes: which pixels at (y, x) from the centre belong to one that reaches ``s`` far.
SHAPES = {
    "disc": lambda y, x, s: y * y + x * x <= s * s,
    "square": lambda y, x, s: _far(y, x) <= s,
    "diamond": lambda y, x, s: abs(y) + abs(x) <= s,
    "triangle": lambda y, x, s: (abs(y) <= s) & (2 * abs(x) <= y + s),
    "ring": lambda y, x, s: (y * y + x * x <= s * s) & (2 * (y * y + x * x) > s * s),
    "frame": lambda y, x, s: (_far(y, x) <= s) & (3 * _far(y, x) > 2 * s),
    "plus": lambda y, x, s: (_far(y, x) <= s) & (4 * np.minimum(abs(y), abs(x)) <= s),
    "saltire": lambda y, x, s: (_far(y, x) <= s) & (3 * abs(abs(y) - abs(x)) <= s),
    "rows": lambda y, x, s: (_far(y, x) <= s) & ((y + s) * 2 // (s + 1) % 2 == 0),
    "columns": lambda y, x, s: (_far(y, x) <= s) & ((x + s) * 2 // (s + 1) % 2 == 0),
}


def draw(shape: tuple[int, int, int], outputs: int, count: int | None = None, seed: int = SEED):
    """Images for a network, and what it has to say of each.

    Args:
        shape: channels, height and width of an image.
        outputs: of the network.  One means yes or no: which half a bright square is in.  More are
            classes: the first so many of :data:`SHAPES`.
        count: of images; by default as many as a short run can learn from.
        seed: equal ones give equal bytes.

    Returns:
        A :class:`Drawn`.
    """
    channels, height, width = shape
    if count is None:
        count = SMALL if min(height, width) < LARGE_FROM else LARGE
    bits = _Bits(seed)
    if outputs == 1:
        words = "a bright square in the left half (0) or in the right half (1)"
        return Drawn(*_sides(bits, shape, count), _summary(shape, count, words, seed))
    names = list(SHAPES)[:outputs]
    labels = bits.upto(len(names) - 1, count)
    edge = min(height, width)
    reach = edge // 5 + bits.upto(edge // 5, count)
    centre_y = reach + bits.upto(height - 1 - 2 * reach, count)
    centre_x = reach + bits.upto(width - 1 - 2 * reach, count)
    # Of the two colours of an image one is dark and one is light, by a toss either.
    colours = bits.upto(100, count, 2, channels)
    colours[np.arange(count), bits.upto(1, count)] += 155
    y, x = np.mgrid[:height, :width]
    images = np.empty((count, *shape), np.uint8)
    for n, label in enumerate(labels):
        inside = SHAPES[names[label]](y - centre_y[n], x - centre_x[n], int(reach[n]))
        paper, ink = colours[n, :, :, None, None]
        images[n] = _noisy(bits, np.where(inside, ink, paper))
    return Drawn(images, labels, _summary(shape, count, ", ".join(names), seed))


def _sides(bits: _Bits, shape: tuple[int, int, int], count: int):
    """A bright square in the left half (label 0) or in the right half (label 1)."""
    _, height, width = shape
    side = width // 2
    labels = bits.upto(1, count)
    top = bits.upto(height - side, count)
    y, x = np.mgrid[:height, :width]
    images = np.empty((count, *shape), np.uint8)
    for n, label in enumerate(labels):
        left = label * (width - side)
        inside = (y >= top[n]) & (y < top[n] + side) & (x >= left) & (x < left + side)
        images[n] = _noisy(bits, np.broadcast_to(np.where(inside, 215, 40), shape))
    return images, labels


def _summary(shape: tuple[int, int, int], count: int, words: str, seed: int) -> str:
    size = " x ".join(map(str, shape))
    return f"{count:,} drawn images (seed {seed}) of {size}: {words}"


def _noisy(bits: _Bits, image: np.ndarray) -> np.ndarray:
    """The image with its pixels a little lighter or darker."""
    return np.clip(image + bits.upto(2 * NOISE, *image.shape) - NOISE, 0, 255).astype(np.uint8)
