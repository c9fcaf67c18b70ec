"""Spread a compiled kernel over the processors.

The kernels release the interpreter's lock, so plain threads do: Numba's own parallel loops take
several times as long to compile, and one of their thread layers may not be entered twice.
"""

import concurrent.futures
import contextlib
import functools
import os
from collections.abc import Iterator

#: Elements below which starting threads takes longer than they save (about 0.1 ms).
WORTH = 1 << 19
#: Threads to use at most; set by ``limit``.
_most = os.cpu_count() or 1


@contextlib.contextmanager
def limit(count: int) -> Iterator[None]:
    """Use at most ``count`` threads (BLAS has its own) while the block runs."""
    global _most
    before, _most = _most, count
    try:
        yield
    finally:
        _most = before


@functools.cache
def _workers(count: int) -> concurrent.futures.Executor:
    """Keep threads: starting them takes as long as a small layer."""
    return concurrent.futures.ThreadPoolExecutor(count, thread_name_prefix="golden")


if hasattr(os, "register_at_fork"):  # a forked process has the pool, but not its threads
    os.register_at_fork(after_in_child=_workers.cache_clear)


def spread(function, count: int, work: int) -> None:
    """Call ``function(first, last)`` for pieces that make up range(count), at the same time.

    Args:
        function: computes items first to last - 1; pieces must be independent.
        count: number of items.
        work: elements touched in all; little work stays in the calling thread.
    """
    pieces = min(_most, count)
    if work < WORTH or pieces < 2:
        function(0, count)
        return
    edges = [count * i // pieces for i in range(pieces + 1)]
    pool = _workers(pieces - 1)
    others = [
        pool.submit(function, first, last)
        for first, last in zip(edges[1:-1], edges[2:], strict=True)
    ]
    function(0, edges[1])  # the calling thread takes the first piece
    for other in others:
        other.result()
