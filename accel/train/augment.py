"""More images than there are: small random turns, stretches and moves of each."""

import numpy as np

#: What strength 1 means: largest turn and shear (radians), stretch (share) and move (pixels).
TURN, SHEAR, STRETCH, MOVE = 0.2, 0.2, 0.1, 1.5


def jittered(images: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Distort every image [n, channels, height, width] by its own random affine map.

    Output pixels are drawn from between four input pixels (bilinear); beyond the edge is zero.
    """
    count, channels, height, width = images.shape
    turn, shear, *stretch_move = strength * rng.uniform(-1, 1, (6, count, 1, 1))
    turn, shear = TURN * turn, SHEAR * shear
    stretch_y, stretch_x, move_y, move_x = stretch_move
    cosine, sine = np.cos(turn), np.sin(turn)
    y, x = np.mgrid[:height, :width] - np.array([height - 1, width - 1])[:, None, None] / 2
    y, x = y * (1 + STRETCH * stretch_y), (x + shear * y) * (1 + STRETCH * stretch_x)
    from_y = cosine * y - sine * x + MOVE * move_y + (height - 1) / 2
    from_x = sine * y + cosine * x + MOVE * move_x + (width - 1) / 2
    # One zero pixel around the image is all that positions outside can reach.
    from_y, from_x = np.clip(from_y, -1, height) + 1, np.clip(from_x, -1, width) + 1
    top = np.minimum(from_y.astype(np.intp), height)
    left = np.minimum(from_x.astype(np.intp), width)
    down = (from_y - top).astype(np.float32)[:, None]
    right = (from_x - left).astype(np.float32)[:, None]
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1))).reshape(count, channels, -1)
    corner = (top * (width + 2) + left).reshape(count, 1, -1)

    def pixels(offset):
        found = np.take_along_axis(padded, corner + offset, axis=2)
        return found.reshape(images.shape)

    above = pixels(0) + (pixels(1) - pixels(0)) * right
    below = pixels(width + 2) + (pixels(width + 3) - pixels(width + 2)) * right
    return above + (below - above) * down
