"""One training run as a user starts it: data, trainer, and the files it leaves behind."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from accel import models
from accel.errors import why
from accel.network.export import to_bytes
from accel.report import curves, train_page
from accel.report.files import replacing, write_json
from accel.train.answers import answers
from accel.train.data import Dataset, drawn, load, wanted
from accel.train.errors import TrainingError
from accel.train.gap import why_below
from accel.train.recipes import recipe
from accel.train.trainer import Progress, Trainer
from accel.train.watch import first_filters

#: Images of the training part that are written out to calibrate quantisation with.
CALIBRATION = 256


@dataclasses.dataclass(frozen=True)
class Files:
    """Where a run in ``folder`` writes what."""

    folder: pathlib.Path
    network: str

    @property
    def model(self) -> pathlib.Path:
        """The trained float network."""
        return self.folder / f"{self.network}.onnx"

    @property
    def checkpoint(self) -> pathlib.Path:
        """The whole state after the last complete epoch."""
        return self.folder / "checkpoint.npz"

    @property
    def held_back(self) -> pathlib.Path:
        """The images held back with their labels, in the network's own layout."""
        return self.folder / "held_back.npz"

    @property
    def calibration(self) -> pathlib.Path:
        """Some training images, in the network's own layout."""
        return self.folder / "calibration.npz"


def train(
    name: str,
    *,
    folder,
    data=None,
    held_back: int | None = None,
    epochs: int | None = None,
    resume: bool = False,
    progress: Progress = lambda stage, share: None,
    tell: Callable[[str], None] = lambda line: None,
    command: str | None = None,
    **choices,
) -> tuple[Trainer, Files]:
    """Train a built-in network and write model, checkpoint, history, curves, page and image files.

    Args:
        name: one of models.NETWORKS.
        folder: where the files go; made if missing.
        data: an .npz file with images and labels; by default what ships with the network, or
            drawn images (see accel.train.drawn) where none do.
        held_back: how many of the last images only measure; by default a fifth.
        epochs: in total; by default the network's recipe.
        resume: continue from the folder's checkpoint.
        progress: called with a stage and a share from 0 to 1.
        tell: called with a line for the user, before the first epoch.
        command: that asked for it, for the page.
        choices: fields of Settings that differ from the network's recipe.

    Raises:
        TrainingError: naming file or setting, rule and value.
    """
    if name not in models.NETWORKS:
        raise TrainingError(f"network must be one of {', '.join(models.NETWORKS)}, not {name!r}")
    plan = recipe(name)
    settings = dataclasses.replace(plan.settings, **choices)
    epochs = plan.epochs if epochs is None else epochs
    if epochs < 1:
        raise TrainingError(f"epochs must be at least 1, not {epochs}")
    network = models.NETWORKS[name].build()
    source = data or models.NETWORKS[name].data
    whole = drawn(network) if source is None else load(source, network)
    if data is None and source is not None:
        whole = dataclasses.replace(whole, source=f"{source.name}, which ships with accel")
    parts = whole.split(len(whole) // 5 if held_back is None else held_back)
    trainer = Trainer(network, settings, *parts)
    files = Files(pathlib.Path(folder), name)
    if resume:
        trainer.resume(files.checkpoint)
    try:
        files.folder.mkdir(parents=True, exist_ok=True)
        if source is None:
            tell(
                f"{name} has no images of its own: it learns from {whole.source}.\n"
                f"Give your own with --data F.npz: {wanted(network)}."
            )
        trainer.run(epochs, save_to=files.checkpoint, progress=progress)
        _write(trainer, files, command)
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be written: {why(error, folder)}") from error
    return trainer, files


def _write(trainer: Trainer, files: Files, command: str | None = None) -> None:
    """Write what the finished run leaves besides the checkpoint."""
    with replacing(files.model) as temporary:
        temporary.write_bytes(to_bytes(trainer.network))
    note = why_below(trainer.network, trainer.settings, trainer.history)
    facts = {"images": trainer.data.source, "settings": dataclasses.asdict(trainer.settings)}
    facts = {"epochs": trainer.history, **facts, "note": note}
    write_json(facts, files.folder / "history.json")
    shown = first_filters(trainer.network)
    filters = (shown[0], np.array(trainer.filters)) if shown else None
    found = answers(trainer.network, trainer.held_back)
    train_page.write(files.folder / "index.html", files.network, facts, filters, found, command)
    caption = [f"images: {trainer.data.source}"]
    curves.draw(
        files.network, trainer.history, files.folder / "curves.png",
        caption + [note] if note else caption,
    )  # fmt: skip
    _write_images(trainer.held_back, files.held_back)
    first = slice(0, CALIBRATION)
    _write_images(
        Dataset(trainer.data.images[first], trainer.data.labels[first]), files.calibration
    )


def _write_images(data: Dataset, path: pathlib.Path) -> None:
    """Write images and labels as ``accel run`` and ``accel quantize`` take them."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, images=data.images, labels=data.labels)
