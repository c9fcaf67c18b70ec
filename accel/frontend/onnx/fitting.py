"""Windows that fit nowhere on their images: refused before ONNX Runtime sees them.

It goes on with an empty image, or ends the whole process (1.32: poolings of eight channels).
"""

import onnx

from accel.frontend.errors import EmptyError, ModelError
from accel.frontend.onnx import sizes
from accel.frontend.onnx.nodes import NodeView, positions
from accel.frontend.onnx.order import in_order

#: Operators with windows, and which of their inputs the weights are.
_WINDOWS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "MaxPool": None, "AveragePool": None,
            "LpPool": None, "QLinearAveragePool": None}  # fmt: skip


def check_windows(file: str, model: onnx.ModelProto) -> None:
    """Refuse a model in which a window that somebody needs fits nowhere, as far as can be inferred.

    Raises:
        EmptyError: naming the file, the node and the sizes.
    """
    views = in_order(file, model.graph)
    if all(view.op not in _WINDOWS for view in views):
        return
    skeleton = sizes.skeleton(model)
    for view in views:
        sizes.add(skeleton.graph, view.proto)
    known = sizes.known(skeleton)
    needed = {value.name for value in model.graph.output}
    for view in reversed(views):
        if needed.isdisjoint(view.proto.output):
            continue
        needed.update(view.proto.input)
        if view.op in _WINDOWS and view.proto.input:
            _check(view, known)


def _check(node: NodeView, known: dict[str, list[int]]) -> None:
    weights, names = _WINDOWS[node.op], node.proto.input
    size = known.get(names[0], [])[2:]
    stored = known.get(names[weights], []) if weights and len(names) > weights else []
    rank, kernel = len(size), node.attributes.get("kernel_shape", stored[2:])
    try:
        node.require(len(kernel) == rank, f"kernel_shape must be {rank} integers", kernel)
        strides, dilations = (node.integers(name, rank, (1,) * rank, 1)
                              for name in ("strides", "dilations"))
        pads = node.integers("pads", 2 * rank, (0,) * 2 * rank, 0)
        for n in range(rank):
            if size[n] > 0:
                axis = kernel[n], strides[n], dilations[n], (pads[n], pads[n + rank])
                positions(node, size[n], axis, bool(node.integer("ceil_mode", 0)), weights is None)
    except EmptyError:
        raise
    except (ModelError, TypeError):
        return  # whoever computes it says what is wrong
