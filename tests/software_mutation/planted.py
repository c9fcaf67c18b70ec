"""A mutant in this process: one module is imported from a changed source; no file changes."""

import importlib
import importlib.abc
import importlib.machinery
import sys

from numba.core.caching import NullCache

from tests.software_mutation.references import all_users, definition_at
from tests.software_mutation.rooms import ROOT


class _Changed(importlib.machinery.SourceFileLoader):
    """Loads a module from a text instead of its file, whose name and place it keeps."""

    def __init__(self, name: str, path: str, text: str):
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname):
        return compile(self._text, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, path: str, text: str):
        self._name, self._path, self._text = name, path, text

    def find_spec(self, fullname, path, target=None):
        if fullname != self._name:
            return None
        loader = _Changed(fullname, self._path, self._text)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


def module_name(source: str) -> str:
    """The dotted name under which a source is imported."""
    return source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def plant(source: str, line: int, text: str) -> None:
    """Have ``source`` (which differs in ``line``) imported from ``text`` in this process.

    Kernels that contain what is changed are compiled anew, and not kept: Numba's cache on disk
    knows files, and no file has changed.
    """
    sys.meta_path.insert(0, _Finder(module_name(source), str(ROOT / source), text))
    stale = all_users(definition_at(source, line))
    _compile_anew({(module_name(one.source), name) for one in stale for name in one.names})


def _compile_anew(stale: set[tuple[str, str]]) -> None:
    module = importlib.import_module("accel.compiled")
    kept = module.compiled

    def compiled(function=None, **options):
        if function is None:
            return lambda function: compiled(function, **options)
        dispatcher = kept(function, **options)
        if (function.__module__, function.__qualname__.split(".")[0]) in stale:
            dispatcher._cache = NullCache()
        return dispatcher

    module.compiled = compiled
