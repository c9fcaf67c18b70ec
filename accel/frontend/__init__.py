"""Importers: network files in, checked graphs out.

Each file format has its own module, and only that module imports the format's library.
"""

import importlib
import pathlib

from accel.frontend.errors import ModelError
from accel.graph.ir import Graph

__all__ = ["ModelError", "load"]

#: Importer module by file suffix; each has a function ``load(path) -> Graph``.
FORMATS = {".onnx": "accel.frontend.onnx.importer", ".tflite": "accel.frontend.tflite.importer"}


def load(path) -> Graph:
    """Read a quantised network.

    Raises:
        ModelError: naming the file, the node, the rule and the value.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ModelError(
            f"{path}: a network file must end in one of {sorted(FORMATS)}, not {path.suffix!r}"
        )
    return importlib.import_module(FORMATS[path.suffix.lower()]).load(path)
