"""A CNN accelerator: RTL, golden model, compiler, simulation and reports.

The functions most users need are ``accel.run`` and ``accel.golden_run`` (see accel.runner).
They are loaded on first use, so that ``import accel.params`` stays free of Numba and Amaranth's
simulator: the parts of this package may only import each other as ARCHITECTURE.md says.
"""

import importlib

__all__ = ["Result", "golden_run", "run"]


def __getattr__(name: str):
    if name in __all__:
        return getattr(importlib.import_module("accel.runner"), name)
    raise AttributeError(f"module 'accel' has no attribute {name!r}")
