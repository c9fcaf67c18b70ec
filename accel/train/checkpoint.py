"""Checkpoints: a training run's whole state in one .npz file, written whole or not at all."""

import json
import pathlib

import numpy as np

from accel import npz
from accel.errors import shortened
from accel.report.files import replacing
from accel.train.errors import TrainingError

FORMAT = 1
#: What reading a file that is damaged, or is none of ours, may raise.
_DAMAGE = (*npz.DAMAGE, TypeError)


def save(path, arrays: dict[str, np.ndarray], facts: dict) -> None:
    """Write arrays by name, and ``facts`` as JSON beside them."""
    text = json.dumps({"format": FORMAT, **facts})
    with replacing(pathlib.Path(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, facts=np.array(text), **arrays)


def load(path) -> tuple[dict[str, np.ndarray], dict]:
    """Read back what :func:`save` wrote.

    Raises:
        TrainingError: missing or damaged file.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise TrainingError(f"{path}: there is no checkpoint to resume")
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(str(arrays.pop("facts")))
        if facts["format"] != FORMAT:
            raise ValueError(f"format must be {FORMAT}, not {facts['format']}")
    except _DAMAGE as error:
        text = shortened(str(error))
        raise TrainingError(f"{path}: is damaged or not a checkpoint: {text}") from error
    return arrays, facts
