import itertools
import random

from accel.dse.point import Point, buffer_bytes, grid
from accel.params import Params
from accel.pareto import optimal


def test_a_grid_is_every_combination_once():
    points = grid([(8, 8), (4, 8), (8, 8)], latency=[1, 2, 3], bus_bytes=[8, 16, 8])
    assert len(points) == len(set(points)) == 2 * 2 * 3
    assert points[0] == Point(8, 8, bus_bytes=8, latency=1)
    assert {(one.rows, one.cols) for one in points} == {(8, 8), (4, 8)}
    assert all(one.batch == 1 for one in points)
    # Points of one machine follow each other.
    assert [one.latency for one in points] == 4 * [1, 2, 3]


def test_a_point_describes_machine_and_memory():
    point = Point(8, 4, 4096, 256, 4, 8, 100, 3)
    params = point.params()
    assert (params.rows, params.cols, params.input_bytes, params.acc_rows) == (8, 4, 4096, 256)
    assert (params.weight_tiles, params.bus_bytes) == (4, 8)
    assert point.memory().latency_cycles == 100
    assert Point().params() == Params()


def test_buffer_bytes():
    params = Params(rows=8, cols=4, input_bytes=4096, acc_rows=256, weight_tiles=4,
                    bus_bytes=8, window_bytes=2048)  # fmt: skip
    assert buffer_bytes(params) == 4096 + 256 * 4 * 4 + 4 * 8 * 4 + 2048


def rows_of(figures):
    return [
        {"status": "ok", "cycles": cycles, "batch": 1, "pes": pes, "buffer_bytes": size}
        for cycles, pes, size in figures
    ]


def test_the_front_is_what_nothing_beats():
    choose = random.Random(5)
    figures = [tuple(choose.randrange(8) for _ in range(3)) for _ in range(200)]

    def beaten(one):
        return any(
            other != one and all(a <= b for a, b in zip(other, one, strict=True))
            for other in figures
        )

    assert optimal(rows_of(figures)) == [not beaten(one) for one in figures]


def test_batches_are_compared_by_image_and_failures_left_out():
    rows = rows_of([(100, 4, 1), (150, 4, 1)])
    rows[1]["batch"] = 2
    assert optimal([*rows, {"status": "failed"}]) == [False, True, False]
    for order in itertools.permutations(range(3)):
        mixed = [[*rows, {"status": "failed"}][number] for number in order]
        assert optimal(mixed) == [number == 1 for number in order]
