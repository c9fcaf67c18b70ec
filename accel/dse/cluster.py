"""Workers of an existing Dask cluster, by its scheduler's address."""

import logging
from collections.abc import Iterator

from accel.dse import identity
from accel.dse.errors import SweepError
from accel.dse.evaluate import evaluate, failure
from accel.dse.point import Point
from accel.graph.ir import Graph

#: Seconds within which the scheduler must answer.
PATIENCE = 10
#: Seconds without a result after which to see whether workers are left.
_LOOK = 10


class Cluster:
    """Evaluates points on the workers of a Dask cluster.

    Parameters:
        graph, engine: see accel.dse.evaluate.
        address: the scheduler's, such as "tcp://host:8786".

    Raises:
        SweepError: Dask is not installed, no scheduler answers there, it has no workers, or a
            worker does not have this version of accel.
    """

    def __init__(self, graph: Graph, engine: str, address: str):
        self._engine, self._address = engine, address
        self._client = _connect(address)
        try:
            _check_workers(self._client, address)
            (self._graph,) = self._client.scatter([graph], broadcast=True)
        except BaseException:
            self._client.close()
            raise

    def run(self, points: list[Point]) -> Iterator[tuple[Point, dict]]:
        """Points with their result rows, in the order in which they finish.

        Raises:
            SweepError: the cluster has lost all its workers, or its scheduler.
        """
        from distributed import wait
        from distributed.client import FuturesCancelledError

        with self._client:
            futures = {
                self._client.submit(evaluate, self._graph, self._engine, point, pure=False): point
                for point in points
            }
            while futures:
                try:
                    finished = wait(list(futures), _LOOK, "FIRST_COMPLETED").done
                except TimeoutError:
                    _check_alive(self._client, self._address)
                    continue
                except FuturesCancelledError as error:
                    raise _gone(self._address, error) from error
                for future in finished:
                    # The task catches its own errors: this is a worker that died or was taken away.
                    wrong = future.exception()
                    point = futures.pop(future)
                    lost = failure(f"its worker failed: {wrong}")
                    yield point, lost if wrong else future.result()
                    future.release()


def _gone(address: str, error: Exception) -> SweepError:
    return SweepError(f"the Dask scheduler at {address} has gone: {_line(error)}")


def _check_alive(client, address: str) -> None:
    """See whether somebody is there to wait for."""
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        running = client.status == "running"
    except Exception as error:  # whatever a scheduler that has gone brings about
        raise _gone(address, error) from error
    if not running:
        raise _gone(address, RuntimeError(client.status))
    if not workers:
        raise SweepError(f"the Dask scheduler at {address} has lost all its workers")


def _connect(address: str):
    try:
        from distributed import Client
    except ImportError as error:
        raise SweepError(
            "--scheduler needs Dask, which is not installed: pip install 'cnn-accel[sweep]'"
        ) from error
    # Dask logs each failed attempt; the error below says it once.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise SweepError(
            f"no Dask scheduler answers at {address} within {PATIENCE} s: {_line(error)}"
        ) from error


def _check_workers(client, address: str) -> None:
    if not client.scheduler_info(n_workers=-1)["workers"]:
        raise SweepError(f"the Dask scheduler at {address} has no workers")
    try:
        versions = client.run(identity.code)
    except Exception as error:  # whatever a foreign worker answers
        raise SweepError(f"a worker of {address} cannot run accel: {_line(error)}") from error
    for worker, version in versions.items():
        if version != identity.code():
            raise SweepError(f"worker {worker} has another version of accel: {version}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
