"""What a trained network says of the images held back: a count of each answer, and the worst."""

import numpy as np

from accel.network import Network
from accel.train.data import Dataset

#: Wrong answers that are shown, and the longest side of their images: longer ones have gaps.
WRONG, SIDE = 40, 64
#: A table of answers by label has at most as many classes.
CLASSES = 20
_BATCH = 100


def answers(network: Network, data: Dataset) -> dict:
    """How the network answers ``data``: ``table`` [label][answer] of counts (None if there are too
    many classes), how many are ``wrong``, and those of them that it is surest of, with ``image``
    (uint8 [row, column, channel]), ``label``, ``answer`` and ``sure``, from 0 to 1."""
    with np.errstate(all="ignore"):
        parts = [network.forward(data.images[start : start + _BATCH])
                 for start in range(0, len(data), _BATCH)]  # fmt: skip
    outputs = np.concatenate(parts).astype(np.float64)
    if outputs.shape[1] == 1:  # one output says yes from one half on
        said = (outputs[:, 0] >= 0.5).astype(int)
        labels, classes = (data.labels >= 0.5).astype(int), 2
        sure = np.abs(outputs[:, 0] - 0.5) + 0.5
    else:
        said, labels, classes = outputs.argmax(axis=1), data.labels, outputs.shape[1]
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        sure = powers.max(axis=1) / powers.sum(axis=1)
    wrong = np.flatnonzero(said != labels)
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, said), 1)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:WRONG]
    return {
        "images": len(data), "wrong": len(wrong),
        "table": table.tolist() if classes <= CLASSES else None,
        "worst": [
            {"image": _picture(data, n), "label": int(labels[n]), "answer": int(said[n]),
             "sure": float(sure[n])}
            for n in worst
        ],
    }  # fmt: skip


def _picture(data: Dataset, number: int) -> np.ndarray:
    """An image as bytes, its darkest 0 and its brightest 255; of many channels the first."""
    image = data.images[number].transpose(1, 2, 0)
    step = max(1, -(-max(image.shape[:2]) // SIDE))
    image = image[::step, ::step, : 3 if image.shape[2] == 3 else 1]
    low, high = float(image.min()), float(image.max())
    return np.round((image - low) * (255 / ((high - low) or 1))).astype(np.uint8)
