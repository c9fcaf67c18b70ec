import threading
import time

import numpy as np
import pytest

from accel.dse import cluster
from accel.dse.errors import SweepError
from accel.dse.evaluate import evaluate
from accel.dse.point import Point, grid
from accel.dse.sweep import sweep
from tests.support.networks import Builder

distributed = pytest.importorskip("distributed", reason="the extra `sweep` is not installed")


@pytest.fixture(scope="module")
def network():
    return Builder(np.random.default_rng(1), (6, 6, 3)).conv(8, (3, 3)).graph()


def test_a_sweep_on_a_cluster(network, tmp_path):
    points = grid([(4, 4), (8, 8)], bus_bytes=[8, 64])
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as local:
        rows = sweep(network, points, tmp_path, scheduler=local.scheduler_address)
    assert [row["status"] for row in rows] == ["ok", "failed", "ok", "ok"]
    for row, point in zip(rows, points, strict=True):
        assert {**row, "seconds": 0} == {**evaluate(network, "model", point), "seconds": 0}


def leaves(graph, engine, point):
    """Evaluate a point on a worker that never answers."""
    time.sleep(3)


def test_a_cluster_that_loses_its_workers(network, monkeypatch):
    monkeypatch.setattr(cluster, "_LOOK", 1)
    monkeypatch.setattr(cluster, "evaluate", leaves)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as local:
        rows = cluster.Cluster(network, "model", local.scheduler_address).run([Point()])
        later = threading.Timer(0.5, local.scale, [0])
        later.start()
        # Dask may cancel what the last worker leaves behind, or keep it for another one.
        with pytest.raises(SweepError, match="has lost all its workers|has gone: .*cancelled"):
            list(rows)
        later.join()


def test_a_cluster_without_workers(network):
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as local,
        pytest.raises(SweepError, match="has no workers"),
    ):
        cluster.Cluster(network, "model", local.scheduler_address)


def test_a_scheduler_that_is_not_there(network, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with pytest.raises(SweepError, match="no Dask scheduler answers at tcp://127.0.0.1:9 within"):
        cluster.Cluster(network, "model", "tcp://127.0.0.1:9")


def test_an_address_that_is_none(network):
    with pytest.raises(SweepError, match="no Dask scheduler answers at nonsense://x"):
        cluster.Cluster(network, "model", "nonsense://x")
