"""What a sweep's results depend on besides its points: the network, the engine and the code."""

import dataclasses
import functools
import hashlib
import importlib.util
import pathlib

import numpy as np

from accel import params
from accel.graph.ir import Graph

#: What decides a program's cycles.
_SOURCES = ("compiler", "cyclemodel", "graph", "params.py", "isa.py", "quant.py", "program.py")


@functools.cache
def code() -> str:
    """A hash of the compiler and the cycle model, the RTL included."""
    root = pathlib.Path(params.__file__).parent
    digest = hashlib.sha256()
    machine = pathlib.Path(importlib.util.find_spec("accel.rtl").origin).parent
    for place in (*(root / name for name in _SOURCES), machine):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def network(graph: Graph) -> str:
    """A hash of everything that a graph holds."""
    digest = hashlib.sha256()
    _feed(digest, graph)
    return digest.hexdigest()[:16]


def _feed(digest, value) -> None:
    """Add a value's type, structure and content."""
    digest.update(type(value).__name__.encode() + b"(")
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        value = [part for item in value.items() for part in item]
    if isinstance(value, np.ndarray):
        digest.update(repr((value.dtype, value.shape)).encode())
        digest.update(np.ascontiguousarray(value))
    elif isinstance(value, list | tuple):
        for part in value:
            _feed(digest, part)
    else:
        digest.update(repr(value).encode())
    digest.update(b")")


def identity(graph: Graph, engine: str) -> dict[str, str]:
    """What must be equal for results to belong together."""
    return {
        "network": graph.name, "network_hash": network(graph), "engine": engine, "code": code()
    }  # fmt: skip
