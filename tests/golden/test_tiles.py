"""Tiles of vector instructions, and the loops of processors that have none: equal results."""

import dataclasses
import gc

import numba
import numpy as np
import pytest

from accel import golden
from accel.golden import byte_tiles, conv, float_tiles, frames, integer, threads
from accel.golden import tile as tile_module
from accel.golden.tile import (
    BYTES,
    FLOATS,
    PAIRS,
    Blocking,
    byte_blocking,
    features,
    float_blocking,
    pair_blocking,
    tile,
)
from accel.graph.ir import Tensor
from tests.golden.test_conv import CASES as FLOAT_CASES
from tests.golden.test_conv import arrays
from tests.golden.test_integer import CASES, layer
from tests.support import graphs, naive

#: Types of framed images, those that this processor cannot take skipped.
KINDS = [
    pytest.param(np.dtype(name), id=name, marks=pytest.mark.skipif(
        np.dtype(name) not in byte_tiles.ABLE, reason=f"needs {needs}"))
    for name, needs in (("uint8", "VNNI"), ("int16", "AVX2"))
]  # fmt: skip
needs_floats = pytest.mark.skipif(not float_tiles.BLOCKING.lanes, reason="needs AVX2 and FMA")
WAYS = [pytest.param(None, id="loops"), *KINDS]


def run_conv(graph, images):
    return golden.run(graph, images)["out"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_every_way_equals_the_naive_twin(case, way, monkeypatch):
    monkeypatch.setattr(integer, "WAY", way)
    graph, random = layer(case, seed=5)
    images = graphs.random_images(random, graph.tensors["in"].shape, batch=3)
    expected = naive.run(graph, {"in": images})["out"]
    for worth in (threads.WORTH, 0):  # in the calling thread, and spread
        monkeypatch.setattr(threads, "WORTH", worth)
        np.testing.assert_array_equal(run_conv(graph, images), expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 17])
@pytest.mark.parametrize("filters", [1, 7, 8, 9, 16, 17, 65])
def test_extremes_at_every_edge_of_a_block(way, channels, filters, monkeypatch):
    """Bytes that saturate in 16 bits, and filters and channels around whole vectors."""
    monkeypatch.setattr(integer, "WAY", way)
    random = np.random.default_rng(filters)
    graph, _ = layer("whole vectors")
    node = graph.nodes[0]
    weights = random.choice(np.array([-128, 127], np.int8), (filters, 3, 2, channels))
    need = graphs.random_requant(random, filters, 128 * 128 * 6 * channels, 3)
    node = dataclasses.replace(
        node, weights=weights, bias=random.integers(-9, 9, filters, np.int32), requant=need
    )
    graph = graphs.single(node, Tensor("in", (5, 4, channels), 1.0, 127), zero_point=3)
    images = random.choice(np.array([-128, 127], np.int8), (2, 5, 4, channels))
    expected = naive.run(graph, {"in": images})["out"]
    np.testing.assert_array_equal(run_conv(graph, images), expected)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("case", ["groups", "dilation", "1x1 padded", "longer than a stretch"])
def test_lines_and_blocks_one_by_one(case, dtype):
    """A frame that has room for one line of windows, and one block of filters at a time."""
    graph, random = layer(case)
    images = graphs.random_images(random, graph.tensors["in"].shape, batch=3)
    node, source = graph.nodes[0], graph.tensors["in"]
    _, (kind, geometry, packed, numbers) = integer._prepare(node, source, dtype)
    pitch = geometry.wide * geometry.channels
    framed = np.zeros(geometry.reach * pitch + frames.LINE, dtype)  # one line of windows
    places = np.zeros(3 * geometry.out[0] * geometry.out[1], np.uint64)
    flat = images.view(np.uint8).reshape(3, images.shape[1], -1)
    lines = 3 * geometry.out[0]
    done = [frames.frame_lines(flat, geometry, line, lines, framed, places)
            for line in range(lines)]  # fmt: skip
    assert done == [1] * lines
    y = np.empty((lines * geometry.out[1], len(node.weights)), np.int8)
    for line in range(lines):  # one at a time, and one block of filters at a time
        for block in range(len(packed.blocks)):
            byte_tiles.convolve(
                flat, kind, numbers, *packed[5:9], packed.recipe.steps, y, line, line + 1, block,
                block + 1,
            )
    np.testing.assert_array_equal(y, run_conv(graph, images).reshape(y.shape))


@pytest.mark.parametrize("tiles", [False, pytest.param(True, marks=needs_floats)])
@pytest.mark.parametrize("case", FLOAT_CASES)
def test_floats_both_ways_equal_the_loops(case, tiles, monkeypatch):
    monkeypatch.setattr(conv, "TILES", tiles)
    x, w, b, options = arrays(case, np.float32, seed=7)
    np.testing.assert_allclose(
        conv.conv2d(x, w, b, **options), conv.conv2d_loops(x, w, b, **options), rtol=0, atol=3e-5
    )


@needs_floats
@pytest.mark.parametrize("wide", [7, 16, 33, 47, 49, 200])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_floats_at_the_edges_of_strips(wide, stride, monkeypatch):
    """Whole numbers are exact in any order; the reduction is longer than a panel."""
    random = np.random.default_rng(wide)
    depth = float_tiles.PANEL // (float_tiles.STRIPS * float_tiles.STRIP)  # the processor's
    channels = depth // 9 + 5
    x = random.integers(-8, 9, (2, channels, 3, wide)).astype(np.float32)
    w = random.integers(-8, 9, (17, channels, 3, 3)).astype(np.float32)
    options = {"stride": stride, "padding": (1, 1, 1, 2)}
    expected = conv.conv2d_loops(x, w, **options)
    assert w[0].size > depth
    for worth in (threads.WORTH, 0):
        monkeypatch.setattr(threads, "WORTH", worth)
        np.testing.assert_array_equal(conv.conv2d(x, w, **options), expected)


@pytest.mark.parametrize("blocking, needs, element", [
    (Blocking(16, 6, 4), "avx512vnni", BYTES), (Blocking(16, 1, 4), "avx512vnni", BYTES),
    (Blocking(16, 6, 1), "avx512vnni", BYTES), (Blocking(8, 6, 2), "avxvnni", BYTES),
    (Blocking(8, 6, 2), "avx2", PAIRS), (Blocking(8, 1, 2), "avx2", PAIRS),
    (Blocking(8, 6, 1), "avx2", PAIRS),
    (Blocking(16, 8, 3), "avx512f", FLOATS), (Blocking(8, 6, 2), "fma", FLOATS),
])  # fmt: skip
def test_a_tile_is_a_matrix_product(blocking, needs, element):
    if needs not in features():
        pytest.skip(f"needs {needs}")
    random = np.random.default_rng(1)
    lanes, rows, vectors = blocking
    taps, depth, together = 3, 5, {BYTES: 4, PAIRS: 2, FLOATS: 1}[element]
    shape, columns = (taps, depth, together), vectors * lanes
    if element == FLOATS:
        left = random.integers(-9, 9, (rows, *shape)).astype(np.float32)
        right = random.integers(-9, 9, (columns, *shape)).astype(np.float32)
    else:  # the extremes, which saturate in instructions that add pairs in 16 bits
        left = random.choice(np.array([0, 1, 255]), (rows, *shape))
        left = left.astype(np.uint8 if element == BYTES else np.int16)
        right = random.choice(np.array([-128, -1, 127], np.int8), (columns, *shape))
    kind = np.float32 if element == FLOATS else np.int32
    start = random.integers(-99, 99, (rows, columns)).astype(kind)
    out = np.zeros((rows, columns + 1), kind)
    stream = np.ascontiguousarray(right.transpose(1, 2, 0, 3))
    compute = tile(blocking, element)
    places = np.array([row.ctypes.data for row in left], np.uint64)
    offsets = np.arange(taps) * left[0, 0].nbytes

    @numba.njit
    def call(places, offsets, stream, start, out):
        compute(
            np.uint64(places), np.uint64(offsets), np.uint64(3), np.uint64(5), np.uint64(stream),
            np.uint64(start.ctypes.data), np.uint64(start.strides[0]), np.uint64(out.ctypes.data),
            np.uint64(out.strides[0]),
        )  # fmt: skip

    call(places.ctypes.data, offsets.ctypes.data, stream.ctypes.data, start, out)
    wide = np.float32 if element == FLOATS else np.int64
    product = left.reshape(rows, -1).astype(wide) @ right.reshape(columns, -1).astype(wide).T
    np.testing.assert_array_equal(out[:, :-1], start + product)
    assert not out[:, -1].any()


def test_the_blocking_needs_the_instructions():
    assert byte_blocking({"avx512vnni", "avx512bw", "avx512vl", "avx2"}) == (16, 6, 4)
    assert byte_blocking({"avx512bw", "avx512vl", "avx2"}).lanes == 0
    assert byte_blocking({"avxvnni", "avx2"}) == (8, 6, 2)
    assert pair_blocking({"avx2"}) == (8, 6, 2) and pair_blocking({"avx", "sse4.2"}).lanes == 0
    assert float_blocking({"avx512f"}) == (16, 8, 3)
    assert float_blocking({"avx2", "fma"}) == (8, 6, 2)
    assert float_blocking({"avx2"}).lanes == float_blocking(set()).lanes == 0


def test_a_layer_is_packed_once_and_forgotten_with_its_node():
    graph, random = layer("groups")
    images = graphs.random_images(random, graph.tensors["in"].shape)
    kept, way = integer._prepared, integer.WAY
    gc.collect()
    before = len(kept)
    y = run_conv(graph, images)
    node = graph.nodes[0]
    made = kept.get(node, graph.tensors["in"], way)
    np.testing.assert_array_equal(run_conv(graph, images), y)
    assert kept.get(node, graph.tensors["in"], way) is made
    with pytest.raises(ValueError, match="read-only"):
        node.weights[0] = 0
    del graph, node, made
    gc.collect()
    assert len(kept) <= before


def test_weights_that_are_views_are_read_anew():
    graph, random = layer("whole vectors")
    node, images = graph.nodes[0], graphs.random_images(random, graph.tensors["in"].shape)
    memory = node.weights.copy()
    object.__setattr__(node, "weights", memory[:])
    y = run_conv(graph, images)
    memory[:] = -memory // 2
    np.testing.assert_array_equal(run_conv(graph, images), naive.run(graph, {"in": images})["out"])
    assert (run_conv(graph, images) != y).any()


@pytest.mark.parametrize("has, parts", [
    ({"avx512vnni", "avx512bw", "avx512vl", "avx512f", "avx2", "fma"},
     ("int8: vpdpbusd on 512 bits", "depthwise: vpmaddwd on 512 bits", "multiply-add on 512")),
    ({"avxvnni", "avx2", "fma"},
     ("int8: vpdpbusd on 256 bits", "depthwise: vpmaddwd on 256 bits", "multiply-add on 256")),
    ({"avx2", "fma"}, ("int8: vpmaddwd on 256 bits", "depthwise: vpmaddwd on 256 bits")),
    (set(), ("int8: loops", "depthwise: loops", "float32: loops")),
])  # fmt: skip
def test_it_tells_which_instructions_it_uses(has, parts, monkeypatch):
    monkeypatch.setattr(tile_module, "features", lambda: has)
    for part in parts:
        assert part in tile_module.instructions()


@pytest.mark.parametrize("way", WAYS)
def test_every_number_of_windows_behind_whole_tiles(way, monkeypatch):
    """The last one or two of a full block of filters are computed one by one."""
    monkeypatch.setattr(integer, "WAY", way)
    random = np.random.default_rng(9)
    weights = random.integers(-128, 128, (64, 1, 1, 8)).astype(np.int8)
    for wide in range(1, 15):
        graph, _ = layer("whole vectors")
        node = dataclasses.replace(
            graph.nodes[0], weights=weights, bias=np.zeros(64, np.int32), groups=1,
            stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1),
            requant=graphs.random_requant(random, 64, 128 * 128 * 8, 3),
        )  # fmt: skip
        graph = graphs.single(node, Tensor("in", (1, wide, 8), 1.0, 5), zero_point=3)
        images = graphs.random_images(random, (1, wide, 8))
        expected = naive.run(graph, {"in": images})["out"]
        np.testing.assert_array_equal(run_conv(graph, images), expected)
