"""A file's nodes in an order in which they can be computed; some writers leave them unsorted."""

import heapq

import onnx

from accel.frontend.onnx.nodes import NodeView


def in_order(file: str, graph: onnx.GraphProto) -> list[NodeView]:
    """Nodes in an order that computes inputs before their users, else as in the file."""
    views = [NodeView(file, node) for node in graph.node]
    ready = {value.name for value in graph.input} | {t.name for t in graph.initializer} | {""}
    made = {}
    for number, view in enumerate(views):
        for name in filter(None, view.proto.output):
            if name in made or name in ready:
                raise view.error(f"output {name!r} must be computed once, not twice")
            made[name] = number
    waiting, users = [], [[] for _ in views]
    for number, view in enumerate(views):
        missing = set(view.proto.input) - ready
        for name in missing:
            if name not in made:
                raise view.error(
                    f"input {name!r} must be an input, an initializer or computed, not missing"
                )
            users[made[name]].append(number)
        waiting.append(len(missing))
    queue = [number for number, count in enumerate(waiting) if not count]
    order = []
    while queue:
        number = heapq.heappop(queue)
        order.append(views[number])
        for user in users[number]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(queue, user)
    for number, count in enumerate(waiting):
        if count:
            raise views[number].error("nodes must not depend on themselves, not form a cycle")
    return order
