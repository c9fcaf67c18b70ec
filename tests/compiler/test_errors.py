"""What the compiler refuses, and how it says so."""

import dataclasses

import numpy as np
import pytest

from accel.compiler import CompileError, compile_graph
from accel.graph.ir import Conv
from accel.isa import COMMAND_BYTES, Rounding
from accel.params import Params
from tests.support import networks

SMALL = Params(rows=4, cols=4, input_bytes=64, acc_rows=8, bus_bytes=4)
NO_WINDOW_16 = Params(window_taps=0)
NO_WINDOW = dataclasses.replace(SMALL, window_taps=0)


def build(shape=(6, 6, 2)):
    return networks.Builder(np.random.default_rng(1), shape)


def change(graph, **fields):
    """The graph with its first node's fields replaced."""
    node = dataclasses.replace(graph.nodes[0], **fields)
    return dataclasses.replace(graph, nodes=(node, *graph.nodes[1:]))


def refused(graph, text: str, params: Params = SMALL, batch: int = 1):
    with pytest.raises(CompileError, match=text):
        compile_graph(graph, params, batch)


def test_batch():
    refused(build().conv(1).graph(), "batch must be a positive integer, not 0", batch=0)


def test_window_larger_than_the_buffer():
    graph = build((20, 20, 1)).conv(1, (9, 9)).graph()
    # Nine rows of nine bytes: the pitch that spreads a tile over all banks is 9, too.
    refused(
        graph, "conv0: input buffer too small for one row of its windows: a 9x9 kernel needs at "
        "least 81 bytes, input_bytes is 64",
    )  # fmt: skip


def test_sum_that_can_leave_int32():
    graph = change(build().conv(1).graph(), bias=np.array([(1 << 31) - 1], np.int32))
    refused(graph, "conv0: sums must stay in int32, but output channel 0 can reach 2147")


def test_left_shift_that_can_leave_int32():
    graph = build().conv(1).graph()
    requant = dataclasses.replace(graph.nodes[0].requant, shift=np.array([25], np.int8))
    refused(change(graph, requant=requant), "conv0: sums must stay in int32.*left shift of 25")


@pytest.mark.parametrize("weights", ([3, -5], [-128, -2], [0, 127]))
@pytest.mark.parametrize("shift, factor", ((0, 1), (-3, 1), (2, 4)))
def test_sums_may_reach_the_ends_of_int32(weights, shift, factor):
    """Over all inputs; one more is refused.  A shift to the left comes before the factor."""
    graph = build((3, 3, 2)).conv(1).graph()
    zero = graph.tensors["input"].zero_point
    ends = [[one * (value - zero) for value in (-128, 127)] for one in weights]
    low, high = (sum(map(end, ends)) for end in (min, max))
    requant = dataclasses.replace(
        graph.nodes[0].requant, shift=np.array([shift], np.int8), rounding=Rounding.SINGLE
    )
    graph = change(graph, weights=np.array(weights, np.int8).reshape(1, 1, 1, 2), requant=requant)
    for bias, beyond in ((2**31 // factor - 1 - high, 1), (-(2**31) // factor - low, -1)):
        compile_graph(change(graph, bias=np.array([bias], np.int64)), SMALL, 1)
        refused(change(graph, bias=np.array([bias + beyond], np.int64)),
                f"conv0: sums must stay in int32, .* reach {2**31 // factor + (beyond < 0)} "
                f"with a left shift of {max(shift, 0)}")  # fmt: skip


def test_weights_that_do_not_fit_their_input():
    graph = change(build().conv(1).graph(), weights=np.zeros((1, 1, 1, 3), np.int8))
    refused(graph, r"conv0: weights \(1, 1, 1, 3\) in 1 groups do not fit 2 input")


def test_output_larger_than_the_input_gives():
    graph = change(build().conv(1, (2, 2)).graph(), stride=(2, 1))
    refused(graph, "conv0: rows: 5 outputs need more than the 6 inputs and 0 padding")


def test_pool_window_wholly_in_the_padding():
    graph = change(build().pool("max", (2, 2), (2, 2)).graph(), padding=(2, 0, 0, 0))
    refused(graph, "max0: rows: a pooling window lies wholly in the padding")


def test_pool_kernel_beyond_its_field():
    graph = build((300, 2, 1)).pool("max", (256, 1), (1, 1)).graph()
    refused(graph, "max0: rows: pooling kernels and strides go up to 255, not 256", NO_WINDOW)


def test_average_table_without_an_entry():
    graph = change(build().pool("average", (2, 2), (2, 2)).graph(), table={3: (1 << 30, 0)})
    refused(graph, "average0: its table has no entry for 4 elements")


def test_memory_larger_than_the_address_space():
    params = dataclasses.replace(SMALL, addr_bits=16, input_bytes=1024)
    graph = build((100, 100, 4)).conv(4).graph()
    refused(graph, "test: a network too large for the address space: it needs .* 65536", params)


def test_a_batch_larger_than_32_bits_of_addresses():
    graph = build((100, 100, 4)).conv(4).graph()
    refused(graph, "test: .* too large for the address space: it needs .* addr_bits 32 reach "
            "4294967296", Params(), 60_000)  # fmt: skip


def test_without_data_only_weights_are_missing():
    graph = networks.mobile(np.random.default_rng(3), 12, 8, 2)
    for params in (Params(), NO_WINDOW_16):
        whole, bare = (compile_graph(graph, params, 2, data=data) for data in (True, False))
        assert whole.steps == bare.steps
        assert whole.tensors == bare.tensors
        assert whole.memory_bytes == bare.memory_bytes == bare.image.size
        for step in whole.steps:
            commands = slice(step.start, step.start + step.commands * COMMAND_BYTES)
            assert np.array_equal(whole.image[commands], bare.image[commands])
        data = slice(whole.steps[-1].start + whole.steps[-1].commands * COMMAND_BYTES, None)
        assert not bare.image[data].any()
        assert whole.image[data].any()


def test_unknown_operation():
    @dataclasses.dataclass(frozen=True)
    class Softmax:
        name: str = "s"
        op: str = "softmax"
        inputs: tuple = ("input",)
        output: str = "conv0_out"
        outputs: tuple = ("conv0_out",)

    graph = build().conv(2).graph()
    assert isinstance(graph.nodes[0], Conv)
    refused(
        dataclasses.replace(graph, nodes=(Softmax(),)), "s: the machine has no operation 'softmax'"
    )
