"""Spread a compiled kernel over the processors.

The kernels release the interpreter's lock, so plain threads do: Numba's own parallel loops take
several times as long to compile, and one of their thread layers may not be entered twice.  A layer
may take a tenth of a millisecond, so handing it over must be quick: helpers wait at one queue.
"""

import contextlib
import ctypes
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator

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


#: Which processor the calling thread is on; Linux only.
_processor = getattr(ctypes.CDLL(None), "sched_getcpu", None) if os.name == "posix" else None


class _Helpers:
    """Threads that call what is put into their queue; they live as long as the process.

    A system that wakes a helper on its caller's own processor makes it wait until there is nothing
    left to do, so helpers keep off that one.
    """

    def __init__(self):
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._avoided = None

    def ask(self, task: Callable[[], None], count: int) -> None:
        """Have ``count`` threads call ``task``, which must not raise, some time."""
        while len(self._threads) < count:
            name = f"golden-{len(self._threads) + 1}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
            self._avoided = None
        self._avoid(_processor() if _processor else None)
        for _ in range(count):
            self._tasks.put(task)

    def _avoid(self, processor: int | None) -> None:
        if processor in (None, self._avoided):
            return
        self._avoided = processor
        if others := os.sched_getaffinity(0) - {processor}:
            for thread in self._threads:
                os.sched_setaffinity(thread.native_id, others)

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            task()
            del task  # not kept until the next one comes


_helpers = _Helpers()


def _renew() -> None:
    global _helpers
    _helpers = _Helpers()


if hasattr(os, "register_at_fork"):  # a forked process has the queue, but not its threads
    os.register_at_fork(after_in_child=_renew)


def spread(function, count: int, work: int) -> None:
    """Call ``function(first, last)`` for pieces that make up range(count), at the same time.

    There is a piece for each thread, and who is done takes the next: nobody waits for a thread
    that the system has not woken yet.

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
    turns, done = itertools.count(), queue.SimpleQueue()

    def help_out() -> None:
        while (turn := next(turns)) < pieces:
            try:
                function(edges[turn], edges[turn + 1])
                done.put(None)
            except BaseException as error:  # raised below, in the calling thread
                done.put(error)

    _helpers.ask(help_out, pieces - 1)
    own = 0
    while (turn := next(turns)) < pieces:
        function(edges[turn], edges[turn + 1])
        own += 1
    for _ in range(pieces - own):
        if (error := done.get()) is not None:
            raise error
