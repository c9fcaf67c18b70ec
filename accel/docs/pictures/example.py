"""The convolution that the first tutorial computes by hand, as a network of one layer."""

import numpy as np

from accel.compiler import compile_graph
from accel.graph.ir import Conv, Graph, Port, Requant, Tensor
from accel.isa import COMMAND_BYTES, Op, unpack
from accel.params import Params

#: The machine of the tutorials: small enough to draw every cell.
PARAMS = Params(rows=4, cols=4)
SIZE, KERNEL, FILTERS = 5, 3, 2


def graph() -> Graph:
    """A 3x3 convolution of a 5x5 image with two filters; values are of no matter here."""
    out = SIZE - KERNEL + 1
    tensors = {"image": Tensor("image", (SIZE, SIZE, 1), 1.0, 0),
               "sums": Tensor("sums", (out, out, FILTERS), 1.0, 0)}  # fmt: skip
    half = np.full(FILTERS, 1 << 30, np.int32)
    conv = Conv(
        "conv", "conv2d", "image", "sums", np.ones((FILTERS, KERNEL, KERNEL, 1), np.int8),
        np.zeros(FILTERS, np.int32), Requant(half, np.ones(FILTERS, np.int8), 0),
    )  # fmt: skip
    return Graph(
        "by hand", tensors, (conv,), (Port("image", "image", (SIZE, SIZE, 1), "HWC", "int8"),),
        (Port("sums", "sums", (out, out, FILTERS), "HWC", "int8"),),
    )  # fmt: skip


def commands(network: Graph, params: Params = PARAMS) -> list[tuple[Op, dict[str, int]]]:
    """The commands of a network's program, with their fields."""
    program = compile_graph(network, params, 1)
    found = []
    for step in program.steps:
        for number in range(step.commands):
            at = step.start + number * COMMAND_BYTES
            found.append(unpack(program.image[at : at + COMMAND_BYTES].tobytes()))
    return found
