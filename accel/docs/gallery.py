"""The pages that the commands themselves write, to be opened from the site.

The playground and a run's report are those that are kept in ``reports``; estimates of large
networks, a sweep and a training run are made on the spot.
"""

import pathlib
import shutil
import tempfile

import numpy as np

import accel
from accel.dse.rows import read
from accel.models import DIGITS
from accel.report import page as report_page
from accel.report import sweep_page
from accel.train import session

#: Networks of which there is an estimate's page.
ESTIMATED = ("mobilenet", "googlenet", "resnet50")
#: Images of the training run, those held back included, and its epochs.
IMAGES, HELD_BACK, EPOCHS = 1000, 200, 4


def write(folder: pathlib.Path, root: pathlib.Path) -> None:
    """Write the pages into ``folder``; ``root`` is the checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / "reports" / "page" / "lenet5.html", folder / "playground.html")
    shutil.copyfile(root / "reports" / "mnist" / "index.html", folder / "run.html")
    for name in ESTIMATED:
        report = accel.estimate(name, engines=True) | {"command": f"accel estimate {name}"}
        report_page.write(report, folder / f"{name}.html")
    with tempfile.TemporaryDirectory() as work:
        _sweep(folder / "sweep.html", pathlib.Path(work) / "sweep")
        _training(folder / "training.html", pathlib.Path(work) / "train")


def _sweep(page: pathlib.Path, work: pathlib.Path) -> None:
    axes = {"input_bytes": [8192, 32768], "bytes_per_cycle": [4, 8], "batch": [1, 4, 16]}
    arrays = [(4, 4), (8, 8), (8, 16), (16, 8), (16, 16), (32, 32)]
    accel.sweep("lenet5", work, machine="small", arrays=arrays, axes=axes)
    command = (
        "accel sweep lenet5 --machine small --array 4x4,8x8,8x16,16x8,16x16,32x32 "
        "--input-bytes 8192,32768 --set bytes_per_cycle=4,8 --batch 1,4,16"
    )
    sweep_page.write(page, read(work / "results.parquet"), "lenet5", "lenet5", command, "model")


def _training(page: pathlib.Path, work: pathlib.Path) -> None:
    work.mkdir()
    with np.load(DIGITS) as file:
        np.savez(work / "digits.npz", images=file["images"][:IMAGES],
                 labels=file["labels"][:IMAGES])  # fmt: skip
    session.train("shallow", folder=work, data=work / "digits.npz", held_back=HELD_BACK,
                  epochs=EPOCHS, command=f"accel train shallow --data digits.npz --held-back "
                  f"{HELD_BACK} --epochs {EPOCHS}")  # fmt: skip
    shutil.copyfile(work / "index.html", page)
