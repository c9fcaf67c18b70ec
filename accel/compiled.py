"""Functions compiled by Numba and kept on disk until a source that they are made of changes.

Numba alone looks at the file of the function itself.  But what it calls is compiled into it, from
other files too: after an update the old code would go on computing, and nobody would notice.

And Numba numbers the files with code, and writes first which signature's is which.  A process
killed between the two, or another that compiles for another signature at the same time, would leave
a signature with somebody else's code.  Here a file is called by what decides its code, it is there
before the index names it, and one process at a time changes the index.
"""

import contextlib
import fcntl
import functools
import hashlib
import inspect
import os
import pathlib
import pickle
import re
from collections.abc import Iterator

import numba
from numba.core import caching

from accel.caches import writable_directory

_HERE = pathlib.Path(__file__).parent
#: What kernels use besides modules of their own folder.
_SHARED = tuple(_HERE / name for name in ("dram.py", "isa.py", "params.py", "quant.py"))
#: What reading a file of the cache may raise that is none.
_DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ImportError,
           pickle.UnpicklingError)  # fmt: skip
#: What Numba calls a file that it has not finished.
_UNFINISHED = re.compile(r"\.nb[ic]\.tmp\.")


@functools.cache
def sources(folder: pathlib.Path) -> str:
    """Return a digest of all that a kernel in ``folder`` may be compiled from."""
    files = *sorted(folder.glob("*.py")), *_SHARED
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def compiled(function=None, **options):
    """Compile a function, when it is first called, to code that releases the interpreter's lock.

    Args:
        function: of whose calls all are in modules of its own folder; without one a decorator is
            returned.
        **options: more of ``numba.njit``.
    """
    if function is None:
        return functools.partial(compiled, **options)
    dispatcher = numba.njit(nogil=True, **options)(function)
    if not numba.config.DISABLE_JIT:  # it is the function itself then
        # Numba has no public way to say this.  Without any place for files nothing is kept.
        with contextlib.suppress(RuntimeError, OSError):
            dispatcher._cache = _Cache(function)
    return dispatcher


def is_kept(function) -> bool:
    """Whether calling a ``compiled`` function compiles nothing: its code is here or on disk."""
    if getattr(function, "signatures", True):  # a plain function has none
        return True
    file = getattr(function._cache, "_cache_file", None)
    return file is not None and bool(file._index())


class _File(caching.IndexDataCacheFile):
    """The index of a function's code, and a file for each of its signatures."""

    def save(self, key, data) -> None:
        """Keep the code for a signature."""
        text = repr((self._version, self._source_stamp, key))
        name = self._named(hashlib.sha256(text.encode()).hexdigest()[:32])
        with _alone(self._cache_path):
            known = self._index()
            self._save_data(name, data)
            self._save_index(known | {key: name})
            self._sweep({name, *known.values()})

    def load(self, key):
        """Return the code for a signature, if there is any."""
        _tidied(self._cache_path)
        try:
            name = self._index().get(key)
            return None if name is None else self._load_data(name)
        except _DAMAGE:
            return None

    def _index(self) -> dict:
        """File by signature; of those that Numba itself wrote one cannot be sure."""
        try:
            known = self._load_index()
        except _DAMAGE:
            return {}
        length = len(self._named("0" * 32))
        return {key: name for key, name in known.items() if len(name) == length}

    def _named(self, what: str) -> str:
        return f"{self._index_name.removesuffix('.nbi')}.{what}.nbc"

    def _sweep(self, wanted) -> None:
        """Remove this function's code that nobody wants."""
        base = self._index_name.removesuffix(".nbi")
        for name in os.listdir(self._cache_path):
            if name.startswith(f"{base}.") and name.endswith(".nbc") and name not in wanted:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._cache_path, name))


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Keep other processes from changing an index in the same folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@functools.cache
def _tidied(folder: str) -> None:
    """Remove, once, what processes that were killed while they wrote have left there."""
    with contextlib.suppress(OSError):  # no such folder, or not ours
        left = [name for name in os.listdir(folder) if _UNFINISHED.search(name)]
        with _alone(folder) if left else contextlib.nullcontext():
            for name in left:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, name))


class _Spare(caching._SourceFileBackedLocatorMixin, caching._CacheLocator):
    """Where code is kept that Numba knows no place for: neither beside the source nor at home."""

    def __init__(self, function, file):
        self._py_file, self._lineno = file, function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """The folder."""
        folder = writable_directory() / "numba"
        return str(folder / self.get_suitable_cache_subpath(self._py_file))


class _Kept(caching.CompileResultCacheImpl):
    _locator_classes = [*caching.CompileResultCacheImpl._locator_classes, _Spare]


class _Cache(caching.FunctionCache):
    """The code of a function on disk."""

    _impl_class = _Kept

    def __init__(self, function):
        super().__init__(function)
        found = self._cache_file
        stamp = found._source_stamp
        with contextlib.suppress(OSError):  # of a module in an archive Numba looks at all of that
            stamp = sources(pathlib.Path(inspect.getfile(function)).parent)
        base = found._index_name.removesuffix(".nbi")
        self._cache_file = _File(self._cache_path, base, stamp)

    def save_overload(self, sig, data) -> None:
        """Keep what was compiled, unless the disk is full or read-only by now: it is there to run.
        """
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
