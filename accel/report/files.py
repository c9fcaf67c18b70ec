"""Writing result files whole or not at all."""

import json
import pathlib

from accel.whole import replacing as replacing


def write_json(report: dict, path: pathlib.Path) -> None:
    """Write a report as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def write_text(text: str, path: pathlib.Path) -> None:
    """Write a text file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
