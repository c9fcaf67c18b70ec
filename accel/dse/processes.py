"""Workers on this machine: processes, each with the network, that evaluate a point at a time."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool

from accel.dse.evaluate import evaluate, failure
from accel.dse.point import Point
from accel.graph.ir import Graph

_DIED = "its worker process died: out of memory, or killed"
_network: dict = {}


def _start(graph: Graph, engine: str, parent) -> None:
    """Make a worker: it keeps the network, leaves Ctrl-C to its parent and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _network.update(graph=graph, engine=engine)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent) -> None:
    """Wait for the other end of the pipe ``parent`` to be closed, by intent or by death."""
    with contextlib.suppress(EOFError, OSError):
        parent.recv_bytes()
    os._exit(1)


def _work(point: Point) -> dict:
    return evaluate(_network["graph"], _network["engine"], point)


class Processes:
    """Evaluates points in ``jobs`` processes.

    A worker that dies takes the pool with it; the points that were under way are then done again
    one by one, so that only the guilty one fails.
    """

    def __init__(self, graph: Graph, engine: str, jobs: int):
        self._arguments, self._jobs = (graph, engine), jobs

    def run(self, points: list[Point]) -> Iterator[tuple[Point, dict]]:
        """Points with their result rows, in the order in which they finish."""
        waiting = list(reversed(points))
        while waiting:
            lost = []
            yield from self._pool(waiting, self._jobs, lost)
            for point in lost:
                dead = []
                yield from self._pool([point], 1, dead)
                if dead:
                    yield point, failure(_DIED)

    def _pool(self, waiting: list[Point], jobs: int, lost: list[Point]):
        """Take points from the end of ``waiting``; those that a broken pool lost go to ``lost``."""
        context = multiprocessing.get_context("spawn")
        theirs, ours = context.Pipe(duplex=False)
        pool = concurrent.futures.ProcessPoolExecutor(
            jobs, context, initializer=_start, initargs=(*self._arguments, theirs)
        )
        under_way = {}
        try:
            while waiting or under_way:
                # No more than are computed: what an interruption loses stays little.
                while waiting and len(under_way) < jobs:
                    point = waiting.pop()
                    under_way[pool.submit(_work, point)] = point
                ready, _ = concurrent.futures.wait(
                    under_way, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in ready:
                    row = future.result()
                    yield under_way.pop(future), row
            pool.shutdown()
        except BrokenProcessPool:
            lost += under_way.values()
        finally:
            ours.close()
            pool.shutdown()
            theirs.close()
