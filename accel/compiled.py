"""Functions compiled by Numba and kept on disk until a source that they are made of changes.

Numba alone looks at the file of the function itself.  But what it calls is compiled into it, from
other files too: after an update the old code would go on computing, and nobody would notice.
"""

import contextlib
import functools
import hashlib
import inspect
import pathlib

import numba

_HERE = pathlib.Path(__file__).parent
#: What kernels use besides modules of their own folder.
_SHARED = tuple(_HERE / name for name in ("dram.py", "isa.py", "params.py", "quant.py"))


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
    dispatcher = numba.njit(cache=True, nogil=True, **options)(function)
    if not numba.config.DISABLE_JIT:  # it is the function itself then
        file = dispatcher._cache._cache_file  # Numba has no public way to say this
        # Of a module in an archive Numba looks at the whole archive.
        with contextlib.suppress(OSError):
            file._source_stamp = sources(pathlib.Path(inspect.getfile(function)).parent)
    return dispatcher
