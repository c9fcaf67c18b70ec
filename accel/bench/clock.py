"""Times of functions that take turns."""

import math
import time
from collections.abc import Callable

#: Calls in a row, and the pause before them.
BLOCK, PAUSE_SECONDS = 10, 0.02


def clock(threads: int) -> Callable[[], float]:
    """Return the clock for work of so many threads.

    One thread's own processor time is what its work takes on a machine that does nothing else;
    what other programs do on the same processor does not count.  Of several threads only the
    clock on the wall tells what they gain.
    """
    return time.thread_time if threads == 1 else time.perf_counter


def measure(repeats: int, *functions: Callable[[], object], threads: int = 1) -> list[float]:
    """Least seconds of functions that take turns, a block of calls each.

    Before its block a function has a pause and a call to warm up: the threads of the one before it
    (ONNX Runtime's) go on looking for work for a while and would take a processor away.

    Args:
        repeats: calls of each, at least; rounded up to whole blocks.
        *functions: called without arguments.
        threads: that the functions use: see ``clock``.
    """
    now = clock(threads)
    for function in functions:
        function()
    least = [math.inf] * len(functions)
    for _ in range(-(-repeats // BLOCK)):
        for number, function in enumerate(functions):
            time.sleep(PAUSE_SECONDS)
            function()
            for _ in range(BLOCK):
                begin = now()
                function()
                least[number] = min(least[number], now() - begin)
    return least
