"""Workers on this machine: processes, each with the network, that evaluate a point at a time."""

import collections
import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from multiprocessing import connection

from accel.dse.errors import SweepError
from accel.dse.evaluate import evaluate, failure
from accel.dse.point import MEMORY, Point
from accel.graph.ir import Graph

_DIED = "its worker process died: out of memory, or killed"
#: Seconds within which a worker must have begun, on however busy a machine.
PATIENCE = 300.0
#: Seconds that a worker gets to end before it is killed.
_FAREWELL = 5.0
Work = Callable[[Graph, str, Point], dict]


def _serve(pipe: connection.Connection, work: Work) -> None:
    """Be a worker: get the network and the engine, then answer each point with its row.

    It leaves Ctrl-C to its parent and ends with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the parent has enough
        pipe.send(None)  # ready
        graph, engine = pipe.recv()
        while True:
            point = pipe.recv()
            row = work(graph, engine, point)
            pipe.send(row)


def end_with_parent() -> None:
    """Wait for the parent's end, and end, too: for a thread of a child."""
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


@contextlib.contextmanager
def nobodys_main() -> Iterator[None]:
    """Let a process that starts inside not import the user's script once more.

    Workers need nothing of it, and a script without ``if __name__ == "__main__"`` would start
    itself anew in each of them.
    """
    mine = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = mine


class _Worker:
    """A worker process, seen from its parent.

    Attributes:
        pipe: to it; can be read when it has something to say or is dead.
        points: to be sent to it, the next one first.
        point: the one that it is at, or None.
    """

    def __init__(self, work: Work):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with nobodys_main():
            self.process.start()
        theirs.close()  # so that its death can be read from ours
        self.points: collections.deque[Point] = collections.deque()
        self.point: Point | None = None
        self.begun, self.started = False, time.monotonic()

    def send(self, message) -> None:
        """Send, unless it is dead, which shows when its answer is read."""
        try:
            self.pipe.send(message)
        except OSError:
            self.process.kill()

    def end(self) -> None:
        """Make it end, whatever it does."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(_FAREWELL)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Processes:
    """Evaluates points in ``jobs`` processes.

    Points that differ in their memory alone go to one worker, which compiles for all of them once.
    A worker that dies fails its point and is replaced.

    Parameters:
        graph, engine: see accel.dse.evaluate.
        jobs: how many processes.
        work: what a worker makes of a point.
    """

    def __init__(self, graph: Graph, engine: str, jobs: int, work: Work = evaluate):
        self._arguments, self._jobs, self._work = (graph, engine), jobs, work
        self._groups: collections.deque[collections.deque[Point]] = collections.deque()
        self._workers: list[_Worker] = []

    def run(self, points: list[Point]) -> Iterator[tuple[Point, dict]]:
        """Points with their result rows, in the order in which they finish.

        Raises:
            SweepError: a worker does not begin.
        """
        self._groups.extend(
            collections.deque(group)
            for _, group in itertools.groupby(
                points, key=lambda point: dataclasses.replace(point, **dict.fromkeys(MEMORY, 1))
            )
        )
        try:
            for _ in range(min(self._jobs, len(points))):
                self._workers.append(_Worker(self._work))
            while self._workers:
                yield from self._hear()
        finally:
            for worker in self._workers:
                worker.end()

    def _hear(self) -> Iterator[tuple[Point, dict]]:
        """Wait until some worker says something, or is dead or late; give everybody a point."""
        limits = [one.started + PATIENCE for one in self._workers if not one.begun]
        rest = max(0.0, min(limits) - time.monotonic()) if limits else None
        # Without a limit, everybody has a point, and answers or dies.
        ready = connection.wait([worker.pipe for worker in self._workers], rest)
        if not ready:
            raise SweepError(f"a worker process did not begin within {PATIENCE:.0f} s")
        for worker in [one for one in self._workers if one.pipe in ready]:
            try:
                said = worker.pipe.recv()
            except (EOFError, OSError):
                self._replace(worker)
                yield worker.point, failure(_DIED)
                continue
            if worker.begun:
                yield worker.point, said
            else:
                worker.begun = True
                worker.send(self._arguments)
            self._go_on(worker)

    def _replace(self, dead: _Worker) -> None:
        """Put another worker in the place of one that died.

        Raises:
            SweepError: it died before it had a point, as others will.
        """
        dead.end()
        if not dead.begun:
            code = dead.process.exitcode
            raise SweepError(f"a worker process ended with exit code {code} before it began")
        self._workers.remove(dead)
        if dead.points or self._groups:
            self._workers.append(_Worker(self._work))
            self._workers[-1].points = dead.points

    def _go_on(self, worker: _Worker) -> None:
        """Give a worker that has nothing to do its next point, or let it go."""
        worker.point = self._next(worker)
        if worker.point is None:
            self._workers.remove(worker)
            worker.end()
        else:
            worker.send(worker.point)

    def _next(self, worker: _Worker) -> Point | None:
        """A point of the worker's own, else the first of a new group, else another's last."""
        if not worker.points and self._groups:
            worker.points = self._groups.popleft()
        if worker.points:
            return worker.points.popleft()
        other = max(self._workers, key=lambda one: len(one.points))
        return other.points.pop() if other.points else None
