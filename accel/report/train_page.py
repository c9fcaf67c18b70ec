"""``index.html`` beside a training run: its curves, filters and mistakes, in one file."""

import base64
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from accel.page import bundle
from accel.report.files import write_text
from accel.report.page import STYLES

_WEB = pathlib.Path(__file__).parent / "web"
_SCRIPTS = (
    bundle.WEB / "basics.js", _WEB / "svg.js", _WEB / "curves.js", _WEB / "learnt.js",
    _WEB / "train.js",
)  # fmt: skip


def render(
    name: str, facts: Mapping[str, Any], filters: tuple[str, np.ndarray] | None,
    answers: Mapping[str, Any], command: str | None = None,
) -> str:
    """The page of a training run.

    Args:
        name: the network's.
        facts: what history.json holds.
        filters: of which layer, and [epoch, filter, channel, ky, kx] from before the first epoch.
        answers: what accel.train.answers found.
        command: that trained it, or None.
    """
    worst = [one | {"image": _packed(one["image"])} for one in answers["worst"]]
    data = {
        "name": name, "command": command, "made": bundle.made_by(), **facts,
        "filters": filters and {"layer": filters[0], **_packed(filters[1])},
        "answers": dict(answers) | {"worst": worst},
    }  # fmt: skip
    styles = *STYLES, _WEB / "train.css"
    return bundle.page(_WEB / "train.html", styles, _SCRIPTS, TRAINED=data)


def write(path: pathlib.Path, *arguments) -> None:
    """Write the page of a training run; the arguments are those of :func:`render`."""
    write_text(render(*arguments), path)


def _packed(values: np.ndarray) -> dict[str, Any]:
    """An array as JSON can hold it: its shape, and its bytes."""
    raw = np.ascontiguousarray(values).tobytes()
    return {"shape": values.shape, "bytes": base64.b64encode(raw).decode()}
