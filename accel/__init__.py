"""A CNN accelerator: RTL, golden model, compiler, simulation and reports.

The functions most users need are ``accel.run`` and ``accel.golden_run`` (see accel.runner).
They are loaded on first use, so that ``import accel.params`` stays free of Numba and Amaranth's
simulator: the parts of this package may only import each other as ARCHITECTURE.md says.

Installed, the machine and the networks are the folders ``rtl`` and ``models`` of this package.  In
a checkout they lie beside it, where a reader sees them first, and are found from here.
"""

import importlib
import pathlib

__all__ = ["Result", "golden_run", "run"]

if not pathlib.Path(__file__).with_name("rtl").is_dir():
    __path__.append(str(pathlib.Path(__file__).parents[1]))


def __getattr__(name: str):
    if name in __all__:
        return getattr(importlib.import_module("accel.runner"), name)
    raise AttributeError(f"module 'accel' has no attribute {name!r}")
