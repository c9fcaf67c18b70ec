"""Slices of what would have fewer than no rows: refused before a library sees them.

A window larger than what it goes over makes a size negative.  No library minds at first, but where
a Slice comes behind it, the shape inference of onnx, and of ONNX Runtime, which has the same, ends
the whole process (an assertion of C++, in onnx 1.23 and ONNX Runtime 1.32).  So sizes are inferred
up to the first Slices of every path, looked at, then up to the next ones, and so on; of long chains
of Slices only as far as that takes a fraction of a second.  Into functions and the graphs of
control flow nothing looks, so neither does the inference here.
"""

import collections

import onnx

from accel.frontend.onnx import sizes
from accel.frontend.onnx.order import in_order

#: Nodes whose sizes are inferred, those that are inferred again included.
_MOST = 50_000


def check_slices(file: str, model: onnx.ModelProto) -> None:
    """Refuse a model with a Slice of something of negative size.

    Raises:
        ModelError: naming the file, the node, its input and the sizes.
    """
    if all(node.op_type != "Slice" for node in model.graph.node):
        return
    levels, rounds = collections.defaultdict(int), collections.defaultdict(list)
    for view in in_order(file, model.graph):
        node = view.proto
        level = max((levels[name] for name in node.input), default=0)
        rounds[level].append(view)
        levels.update(dict.fromkeys(node.output, level + (node.op_type == "Slice")))
    skeleton, slices, inferred = sizes.skeleton(model), [], 0
    for level in range(len(rounds)):
        skeleton.graph.node.extend(view.proto for view in slices)
        slices = [view for view in rounds[level] if view.proto.op_type == "Slice"]
        for view in rounds[level]:
            if view.proto.op_type != "Slice":
                sizes.add(skeleton.graph, view.proto)
        inferred += len(skeleton.graph.node)
        if inferred > _MOST:
            return
        known = sizes.known(skeleton)
        for view in slices:
            found = known.get(view.proto.input[0], [])
            if min(found, default=0) < 0:
                raise view.error(f"input {view.proto.input[0]!r} must not have negative sizes, as "
                                 f"behind a window larger than the image, not {found}")
