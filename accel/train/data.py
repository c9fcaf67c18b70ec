"""Images and labels: read, checked against a network, split."""

import dataclasses
import hashlib

import numpy as np

from accel import npz
from accel.network import Network
from accel.train.drawn import draw
from accel.train.errors import TrainingError


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Float32 images in a network's layout [n, channels, height, width], and their labels [n].

    ``source`` says what they are, in words: the file, or that they are drawn.
    """

    images: np.ndarray
    labels: np.ndarray
    source: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def split(self, held_back: int) -> tuple["Dataset", "Dataset"]:
        """(all but the last ``held_back`` images, these)."""
        if not 1 <= held_back < len(self):
            raise TrainingError(
                f"images held back must be from 1 to {len(self) - 1} of {len(self)}, "
                f"not {held_back}"
            )
        cut = len(self) - held_back
        return (
            Dataset(self.images[:cut], self.labels[:cut], self.source),
            Dataset(self.images[cut:], self.labels[cut:], self.source),
        )

    def digest(self) -> str:
        """A hash of all images and labels."""
        found = hashlib.sha256()
        for array in (self.images, self.labels):
            found.update(f"{array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array))
        return found.hexdigest()


def check(network: Network, images, labels) -> Dataset:
    """Bring images and labels into the form that training takes.

    Images are uint8, which become 0 to 1, or finite floats, which stay; a missing axis of one
    channel is put in.  Labels are class numbers, or for a network with one output numbers from 0
    to 1.

    Raises:
        TrainingError: wrong shapes, types or values.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise TrainingError(f"images must be uint8 or float, not {images.dtype}")
    given = images.shape
    if network.input_shape[0] == 1 and images.ndim == len(network.input_shape):
        images = images[:, None]
    if images.shape[1:] != network.input_shape:
        wanted = ", ".join(map(str, ("N", *network.input_shape)))
        raise TrainingError(f"images of network {network.name!r} must be ({wanted}), not {given}")
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / np.float32(255)
    images = np.ascontiguousarray(images, np.float32)
    if not np.isfinite(images).all():
        raise TrainingError("images must be finite, not NaN or infinite")
    if labels.shape != (len(images),):
        raise TrainingError(
            f"labels must be one per image, ({len(images)},), not {labels.shape}"
        )
    (outputs,) = network.output_shape
    if outputs == 1:
        good = labels.dtype.kind in "iuf" and ((labels >= 0) & (labels <= 1)).all()
        if not good:
            raise TrainingError(f"labels of {network.name!r} must be numbers from 0 to 1")
        return Dataset(images, labels.astype(np.float32))
    if labels.dtype.kind not in "iu":
        raise TrainingError(f"labels must be integers, not {labels.dtype}")
    wrong = np.flatnonzero((labels < 0) | (labels >= outputs))
    if wrong.size:
        raise TrainingError(
            f"labels must be from 0 to {outputs - 1}, not {labels[wrong[0]]} (image {wrong[0]})"
        )
    return Dataset(images, labels.astype(np.int64))


def load(path, network: Network) -> Dataset:
    """Read ``images`` and ``labels`` of an .npz file and :func:`check` them.

    Raises:
        TrainingError: naming the file.
    """
    try:
        arrays = npz.read(path, "images", "labels")
        found = check(network, arrays["images"], arrays["labels"])
    except npz.NpzError as error:
        raise TrainingError(str(error)) from error
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from None
    return dataclasses.replace(found, source=str(path))


def drawn(network: Network) -> Dataset:
    """Drawn images for a network that nobody has given others for (see accel.train.drawn)."""
    found = draw(network.input_shape, network.output_shape[0])
    return dataclasses.replace(check(network, found.images, found.labels), source=found.summary)


def wanted(network: Network) -> str:
    """What a file of images for a network must hold, in words."""
    shape = ", ".join(map(str, ("N", *network.input_shape)))
    (outputs,) = network.output_shape
    labels = "numbers from 0 to 1" if outputs == 1 else f"whole numbers from 0 to {outputs - 1}"
    return f"'images' ({shape}), uint8 or float, and 'labels' (N,), {labels}"
