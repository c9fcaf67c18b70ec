"""The compiler's parts by themselves."""

import numpy as np
import pytest

from accel.compiler import compile_graph, emit, traffic, walks
from accel.compiler.layer import Axis
from accel.compiler.ring import Ring
from accel.isa import FIELDS, EncodingError, Op, pack
from accel.params import Params
from tests.support import networks
from tests.support.programs import commands


@pytest.mark.parametrize("op", list(Op))
def test_commands_are_packed_like_single_ones(op):
    rng = np.random.default_rng(op)
    fields = [field for field in FIELDS[op] if field.name != "opcode"]
    many = [
        {
            field.name: int(rng.choice([*field.range, rng.integers(*field.range, endpoint=True)]))
            for field in fields if rng.random() < 0.7
        }
        for _ in range(20)
    ]  # fmt: skip
    many = [{"inner": 1, **one} if op in (Op.LOAD, Op.WLOAD) else one for one in many]
    assert emit.encode([(op, one) for one in many], 0).tobytes() == b"".join(
        pack(op, **one) for one in many
    )


def test_data_addresses_move_and_others_do_not():
    load = {"src": 8, "dst": 4, "rows": 1, "items": 1}
    post = {"dst": 16, "mark": 1, "mark_addr": 32}
    given = [(Op.LOAD, {**load, "inner": 4}), (Op.LOAD, {**load, "inner": 0, "src": 0}),
             (Op.POST, post), (Op.POST, {"dst": 5}), (Op.EXEC, {"base": 9})]  # fmt: skip
    moved = [{**given[0][1], "src": 108}, given[1][1], {**post, "dst": 116, "mark_addr": 132},
             {"dst": 105}, {"base": 9}]  # fmt: skip
    packed = [pack(op, **fields) for (op, _), fields in zip(given, moved, strict=True)]
    assert emit.encode(given, 100).tobytes() == b"".join(packed)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"nx": 1 << 16}, "EXEC.nx must be from 0 to 65535, not 65536"),
        ({"cols": -1}, "EXEC.cols must be from 0 to 255, not -1"),
        ({"weight": 1}, "EXEC has no field"),
    ],
)
def test_what_does_not_fit_a_command(fields, words):
    with pytest.raises(EncodingError, match=words):
        emit.encode([(Op.EXEC, {"nx": 1}), (Op.EXEC, fields)], 0)


def test_ring_waits_for_the_last_reader_of_what_is_overwritten():
    ring = Ring(100)
    assert ring.allocate(60) == (0, 0)
    ring.read(0)
    assert ring.allocate(40) == (60, 0)
    ring.read(30)
    ring.read(60)
    assert ring.allocate(30) == (100, 1)  # overwrites 0 to 29: the first reader only
    assert ring.allocate(1) == (130, 2)
    assert ring.allocate(29) == (131, 2)
    assert ring.allocate(1) == (160, 3)


def test_ring_remembers_a_late_reader_of_old_data():
    ring = Ring(100)
    ring.allocate(100)
    for lowest in (0, 50, 0, 50):
        ring.read(lowest)
    assert ring.allocate(10) == (100, 3)
    assert ring.allocate(50) == (110, 4)


def test_ring_refuses_to_read_what_is_gone():
    ring = Ring(100)
    ring.allocate(101)
    with pytest.raises(AssertionError, match="already replaced"):
        ring.read(0)


def test_ring_fills_a_reserved_place_piece_by_piece():
    ring = Ring(100)
    ring.allocate(100)
    ring.read(0)
    ring.read(50)
    assert ring.reserve(80) == 100
    assert [ring.wait(end) for end in (100, 101, 150, 151, 180)] == [0, 1, 1, 2, 2]
    ring.read(100)
    assert ring.allocate(10) == (180, 2)


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_walks_reach_every_tap_at_its_address(lanes):
    rng = np.random.default_rng(lanes)
    for _ in range(300):
        kh, kw, dh, dw = (int(n) for n in rng.integers(1, 6, 4))
        channels = int(rng.integers(1, 40))
        rows, columns = (
            Axis(99, 9, kernel, 1, 0, dilation if kernel > 1 else 1)
            for kernel, dilation in ((kh, dh), (kw, dw))
        )
        kernel = walks.kernel(rows, columns, channels, lanes)
        pitch = kernel.pitch(columns.extent * channels)
        assert columns.extent * channels <= pitch < columns.extent * channels + lanes
        seen = []
        for walk in kernel.walks:
            f = kernel.fields(walk, pitch)
            ky, kx = walk.taps[0]
            base = ky * rows.dilation * pitch + kx * columns.dilation * channels
            i = np.arange(f["k"])
            found = base + i + i // f["seg"] * f["seg_skip"] * lanes
            expected = [
                ky * rows.dilation * pitch + kx * columns.dilation * channels + c
                for ky, kx in walk.taps for c in range(channels)
            ]
            assert found.tolist() == expected
            seen += walk.taps
        assert sorted(seen) == [(ky, kx) for ky in range(kh) for kx in range(kw)]


def test_undilated_kernels_are_one_walk_without_waste():
    kernel = walks.kernel(Axis(28, 28, 5, 1, 2), Axis(28, 28, 5, 1, 2), 8, 16)
    assert len(kernel.walks) == 1
    assert kernel.tiles == -(-200 // 16)


def test_groups_of_a_row_side_by_side_are_one_walk():
    """Of 9 pixels of 8 channels: a group begins 8 times 8 bytes behind a pixel of the one before.

    Where that is no multiple of the array's rows, or more than a command can skip, there is none.
    """
    kernel = walks.side_by_side(9, 3, 8, 8)
    assert (kernel.depth, kernel.tiles, len(kernel.walks)) == (24, 3, 1)
    assert kernel.fields(kernel.walks[0], 0) == {"k": 24, "seg": 8, "seg_skip": 8}
    most = {field.name: field.range[1] for field in FIELDS[Op.EXEC]}["seg_skip"]
    assert walks.side_by_side(most + 1, 2, 8, 8) is not None
    assert walks.side_by_side(most + 2, 2, 8, 8) is None
    assert walks.side_by_side(9, 2, 7, 16) is None


def test_traffic_counts_touched_beats():
    load = {"src": 14, "inner": 4, "rows": 2, "items": 3, "row_pitch": 160, "item_pitch": 16}
    assert traffic.load_beats(load, 16) == 12
    assert traffic.load_beats({"src": 0, "inner": 0, "rows": 1, "items": 1}, 16) == 0
    store = {"dst": 8, "out_h": 2, "out_w": 4, "pitch_x": 4, "pitch_y": 16, "cols": 4}
    assert traffic.store_beats(store, 16) == 3
    assert traffic.store_beats(store | {"pitch_x": 20, "pitch_y": 100}, 16) == 8


def test_loads_run_ahead_of_the_array():
    """While an image is computed, the next one is already asked for."""
    params = Params()
    program = compile_graph(networks.mnist(np.random.default_rng(1)), params, 4)
    loads, ahead = 0, []
    for op, fields in commands(program):
        loads += op == Op.LOAD
        if op == Op.EXEC:
            ahead.append(loads - fields["wait_load"])
    # Two blocks an image and layer at least; the last three have nothing to come behind them.
    assert len(ahead) >= 4 * 2 + 4 + 1
    assert min(ahead[1:-3]) >= 2
    assert max(ahead) <= params.queue_depth


@pytest.mark.parametrize(
    "size, chunks",
    [
        (6, 4),  # fits the buffer, if not twice
        (2, 1),  # fewer pixels than the array has rows
    ],
)
def test_channels_in_chunks_where_their_image_fits(size, chunks):
    """Each chunk of a small image is multiplied as soon as it is there."""
    params = Params(rows=8, cols=8, input_bytes=4096, acc_rows=256, bus_bytes=8)
    net = networks.Builder(np.random.default_rng(1), (size, size, 64)).conv(8)
    program = compile_graph(net.graph(), params, 1)
    blocks = [fields["last"] for op, fields in commands(program) if op == Op.EXEC]
    assert (len(blocks), sum(blocks)) == (chunks, 1)
