"""The plots that the commands themselves draw, of the tutorial's network and machines."""

import pathlib
import tempfile

import accel
from accel.report import pareto
from accel.report import roofline as roofs
from accel.report import timeline as lines

_NETWORK = "lenet5"


def roofline(path: pathlib.Path) -> None:
    """What ``accel estimate`` draws beside report.json."""
    roofs.roofline(accel.estimate(_NETWORK, machine="small"), path)


def timeline(path: pathlib.Path) -> None:
    """The same, by layer and engine."""
    lines.draw(accel.estimate(_NETWORK, machine="small", engines=True), path)


def sweep(path: pathlib.Path) -> None:
    """What ``accel sweep`` draws."""
    with tempfile.TemporaryDirectory() as folder:
        rows = accel.sweep(
            _NETWORK, folder, machine="small", arrays=[(4, 4), (8, 8), (16, 16), (32, 32)],
            axes={"input_bytes": [8192, 32768], "bytes_per_cycle": [4, 8]},
        )  # fmt: skip
    pareto.draw(rows, f"{_NETWORK}: {len(rows)} machines", path)
