"""Importers: network files in, checked graphs out.

Each file format has its own module, and only that module imports the format's library.
"""

import importlib
import pathlib

from accel.frontend.errors import FloatModelError, ModelError
from accel.graph.ir import Graph

__all__ = ["FloatModelError", "ModelError", "load"]

#: Importer module by file suffix; each has a function ``load(path, strict, exact) -> Graph``.
FORMATS = {".onnx": "accel.frontend.onnx.importer", ".tflite": "accel.frontend.tflite.importer"}


def load(path, strict: bool = False, exact: bool = False) -> Graph:
    """Read a quantised network.

    Args:
        path: of the file.
        strict: refuse what the machine cannot compute, instead of giving it to the host.
        exact: as if the machine could not compute what it might compute a step off its oracle
            ("one step" and "but for halves" in reports/operators.md).

    Raises:
        FloatModelError: the network is float.
        ModelError: naming the file, the node, the rule and the value.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ModelError(
            f"{path}: a network file must end in one of {sorted(FORMATS)}, not {path.suffix!r}"
        )
    return importlib.import_module(FORMATS[path.suffix.lower()]).load(path, strict, exact)
