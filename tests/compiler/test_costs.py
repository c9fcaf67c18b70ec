"""Rough costs by themselves: numbers that can be counted by hand, and what is decided by them."""

from types import SimpleNamespace

import pytest

from accel.compiler import deep, early, near_cut, near_lower, schedule, tile_cost, walks, weave
from accel.compiler.layer import Axis, Pooling
from accel.compiler.ready import POST, Ready
from accel.compiler.stream import Stream
from accel.compiler.tile_cost import Scorer
from accel.compiler.tiling import Tiling
from accel.compiler.weave import Cost
from accel.compiler.window_tile import pitch_words
from accel.isa import Op, Pool
from accel.params import Params
from accel.program import Placement

ONE = Axis(8, 8)


def test_a_group_on_a_block_takes_as_long_as_the_slowest():
    """Of array, weight stream and requantiser, here of two lanes; and what its commands cost."""
    params = Params(rows=8, cols=8, bus_bytes=16, post_lanes=2)
    layer = SimpleNamespace(rows=ONE, columns=ONE, pool_rows=ONE, pool_columns=ONE,
                            pooling=Pooling())  # fmt: skip
    part = SimpleNamespace(groups=range(5), splittable=True)
    few, many = (
        Scorer(layer, part, params, (walks.kernel(ONE, ONE, channels, 8),)) for channels in (8, 80)
    )
    assert few.array(16) == 16 * 8 / 2 + 30  # a POST takes a while beside its pixels
    assert many.array(16) == 10 * 16
    assert many.array(1) == 10 * 8  # a tile takes 8 cycles to load
    # Of 64 bytes each: two LOADs; WEIGHTS, EXEC and POST of each group.
    assert few.commands == (2 + 3 * 5) * 64 / 16


def pays(monkeypatch, decide, context, costs, *given) -> bool:
    """What is decided where layers that are cut in some way cost so much."""
    monkeypatch.setattr(weave, "cost_of", lambda _, layer, cut: costs[layer.name, cut[0]])
    return decide(context, *given)


@pytest.mark.parametrize("array, expected", [(2000, False), (1799, True), (1500, True)])
def test_fewer_weights_are_a_gain_where_the_bus_is_short(array, expected, monkeypatch):
    """That is, busy for half of the array's time; no copy is waited for here."""
    part = SimpleNamespace(channels=1)
    layer = SimpleNamespace(name="a", rows=ONE, columns=ONE, channels=16, slices=(part,))
    rows = Tiling((), 8, 8, 1, 8, True, False, False)
    chunks = Tiling((), 8, 8, 8, 8, True, False, False)
    costs = {("a", rows): Cost(array, 900), ("a", chunks): Cost(array, 100)}
    context = SimpleNamespace(params=Params())
    assert pays(monkeypatch, early._pays, context, costs, layer, None, rows, chunks) == expected


@pytest.mark.parametrize("channels, expected", [(64, True), (32, False)])
def test_an_addition_moves_three_times_its_bytes(channels, expected, monkeypatch):
    """On 20 x 20 pixels for 75 cycles a channel, in which the array waits, or does the last layer.
    """
    first, second, third = (SimpleNamespace(name=name) for name in "abc")
    addition = SimpleNamespace(name="+", shape=(20, 20, channels))
    costs = {("a", "cut"): Cost(1000, 500), ("b", "cut"): Cost(1000, 500),
             ("c", "cut"): Cost(5500, 500)}  # fmt: skip
    costs |= {(name, "rows"): cost for (name, _), cost in costs.items()}
    # One behind the other 1000 + 75 * channels + 5500 cycles, by rows 7500: 2000 have to be saved.
    run, cuts = [first, addition, second, third], [("cut",), None, ("cut",), ("cut",)]
    by_rows, context = [("rows",), None, ("rows",), ("rows",)], SimpleNamespace(params=Params())
    assert pays(monkeypatch, deep._pays, context, costs, run, cuts, by_rows) == expected


def test_rows_that_windows_may_be_reading():
    """5 rows each: two more windows with every block of 2 rows, but the last four with the padding.

    The rows from 4 on, where the fifth begins, to 11: four of them are padding.
    """
    assert near_cut._live(Axis(8, 8, 5), 2) == 8
    assert near_cut._live(Axis(8, 4, 5), 2) == 6


def test_every_other_row_waits_for_its_own_writers_only():
    """What comes between them may come later, and begins right behind a row's last byte."""
    ready = Ready(Placement("a", 0, (4, 2, 4), 1, 4, 8, 32), 4)
    for row, count in enumerate((1, 2, 1, 3)):
        ready.written(8 * row, 1, 8, 4, POST, count)
    assert ready.together(range(0, 32, 16), 8, 4, (3, 0)) == [2]
    assert ready.together(range(0, 32, 8), 8, 4, (3, 0)) == [1, 3, 4]


def test_rows_of_the_window_unit_s_buffer_have_gaps_only_where_windows_have_several():
    """A window's next row begins in the bank behind the one where its row ended."""
    assert pitch_words(10, 1, 3, 4) == 10
    assert pitch_words(10, 2, 3, 4) == 11  # 3 more than a multiple of 4


def test_how_long_commands_keep_their_engines_and_what_they_need():
    """Of 8 rows and columns, and a bus of 8 bytes: 2 tiles of 5 x 4 pixels, or of a single one."""
    params = Params(rows=8, cols=8, bus_bytes=8)
    stream = Stream(params)
    stream.begin(0, 2)
    for size in ((5, 4), (1, 1)):
        stream.execute({"k": 12, "nx": size[0], "ny": size[1]}, 0, 0)
    stream.post(Op.POST, {"begin": 0, "count": 20})
    array, _, post, *_ = schedule._queues(stream)
    assert [cost for _, cost, _ in array] == [2 * 20, 2 * 8]
    assert [(cost, needs) for _, cost, needs in post] == [
        (20, [(schedule.EXEC + schedule.DONE, 2)])
    ]
    copy = {"rows": 2, "items": 3, "inner": 9}
    assert schedule._copy_cost(copy, params) == 2 * 3 * 2
    copy |= {"fill_left": 8, "fill_right": 4}
    assert schedule._copy_cost(copy, params) == 2 * (3 * 2 + 1.5)


@pytest.mark.parametrize("kernel, entries, widest", [
    (4, 64, 32),  # two rows of windows are open at once: half of the entries for each
    (40, 1 << 10, 16),  # as many as 20 of a row would be, but only 16 may
])  # fmt: skip
def test_windows_that_a_pooling_has_open_have_room(kernel, entries, widest):
    pool = Axis(240, 100, kernel, 2)
    layer = SimpleNamespace(pooling=Pooling(Pool.MAX), pool_rows=pool, pool_columns=pool)
    params = Params(pool_entries=entries)
    fits = [tile_cost._pool_fits(layer, width, 2, params) for width in range(1, 100)]
    assert fits == [width <= widest for width in range(1, 100)]


def test_what_a_chain_s_blocks_are_read_from_has_room():
    """Five blocks of the first layer, of two rows and those around them, and five of the third."""
    first = SimpleNamespace(rows=Axis(8, 8, 3), columns=Axis(6, 6, 3))
    second = SimpleNamespace(rows=Axis(8, 8))
    third = SimpleNamespace(columns=Axis(8, 8), slices=[SimpleNamespace(channels=16)])
    chunk = SimpleNamespace(depth=4, pitch=lambda size: size)
    pair = SimpleNamespace(tiling=SimpleNamespace(height=2, chunks=[chunk]))
    follower = SimpleNamespace(height=4)
    room = 5 * (2 + 3) * (6 + 2) * 4 + 5 * 4 * 8 * 16
    for size, expected in ((room, True), (room - 1, False)):
        params = SimpleNamespace(input_bytes=size)
        found = near_cut._has_some_room(pair, follower, (first, second, third), params, False)
        assert found == expected


def test_where_groups_side_by_side_end():
    """The last group's rows end with the gap to the next row: 23 words, of two groups of 10."""
    params = Params(rows=4, cols=4, window_taps=4, window_bytes=4096)
    columns = Axis(8, 8, 3, before=1)
    second = SimpleNamespace(rows=columns, columns=columns, pad=0)
    rows = near_lower._Rows(Stream(params), second, 2)
    assert (rows.pitch, rows.group) == (23 * 4, 10 * 4)
    rows.place(0, 2, 0)
    rows.ring.wait, rows.ring.settled = (lambda end: end), (lambda end: 0)
    first, last = (rows.place(2, 4, channel) for channel in (0, 4))
    assert first["wait_window"] == first["dst"] + rows.pitch + rows.group
    assert last["wait_window"] == first["dst"] + 2 * rows.pitch
