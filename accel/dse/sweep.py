"""A sweep from beginning to end: what is missing is evaluated, kept, and shown."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable

from accel.dse.cluster import Cluster
from accel.dse.engines import ENGINES
from accel.dse.errors import SweepError
from accel.dse.identity import identity
from accel.dse.point import Point
from accel.dse.processes import Processes
from accel.dse.store import Store
from accel.graph.ir import Graph


def sweep(
    graph: Graph,
    points: list[Point],
    folder: pathlib.Path,
    *,
    engine: str = "model",
    jobs: int = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> list[dict]:
    """Evaluate ``points``, except those that ``folder`` already has, and keep every row there.

    Args:
        graph: the network.
        points: machines, memories and batches.
        folder: for results.parquet and what an interrupted sweep continues from.
        engine: one of accel.dse.engines.ENGINES.
        jobs: processes on this machine, where there is no ``scheduler``.
        scheduler: the address of an existing Dask cluster's scheduler.
        retry_failed: evaluate points again that failed before.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        The rows of ``points``, in their order (columns: accel.dse.rows.SCHEMA).

    Raises:
        SweepError: the folder holds something else, or the scheduler cannot be used.
        KeyboardInterrupt: the points that were under way are lost, no others.
    """
    if engine not in ENGINES:
        raise SweepError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}")
    tell = progress or (lambda stage, share: None)
    with Store(folder, identity(graph, engine)) as store:
        missing = [point for point in points if _is_missing(store.row(point), retry_failed)]
        if missing:
            workers = (
                Cluster(graph, engine, scheduler)
                if scheduler
                else Processes(graph, engine, min(jobs, len(missing)))
            )
            done = len(points) - len(missing)
            tell("starting workers", done / len(points))
            # Closed: an interruption ends the workers at once.
            with contextlib.closing(workers.run(missing)) as rows:
                for point, row in rows:
                    store.add({**dataclasses.asdict(point), **row})
                    done += 1
                    tell(f"{done}/{len(points)} points", done / len(points))
        return [store.row(point) for point in points]


def _is_missing(row: dict | None, retry_failed: bool) -> bool:
    return row is None or retry_failed and row["status"] != "ok"
