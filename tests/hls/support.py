"""Many small networks as one, so that C++ is compiled once; and the strictest way to compile it."""

import dataclasses
import functools
import subprocess

import pytest

from accel.graph.check import check
from accel.graph.ir import Graph
from accel.sim.engine import SimulationError
from accel.sim.toolchain import find_compiler

SANITIZERS = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@functools.cache
def compiler() -> str:
    """The C++ compiler; without one the test is skipped."""
    try:
        return find_compiler()
    except SimulationError as error:
        pytest.skip(str(error))


@functools.cache
def strict() -> tuple[str, ...]:
    """Flags that find undefined behaviour at run time, where the compiler has them."""
    program = ["-x", "c++", "-", "-o", "/dev/null"]
    made = subprocess.run([compiler(), *SANITIZERS, *program], input="int main() {}", text=True,
                          capture_output=True, check=False)  # fmt: skip
    return ("-O1",) if made.returncode else SANITIZERS


def together(graphs: list[Graph], name="together") -> Graph:
    """One network of several that have nothing to do with each other."""
    tensors, nodes, inputs, outputs = {}, [], [], []
    for number, graph in enumerate(graphs):
        def own(text, number=number):
            return f"{text}_{number}"

        for tensor in graph.tensors.values():
            tensors[own(tensor.name)] = dataclasses.replace(tensor, name=own(tensor.name))
        for node in graph.nodes:
            names = {"name": own(node.name), "output": own(node.output)}
            if "input" in {field.name for field in dataclasses.fields(node)}:
                names["input"] = own(node.input)
            else:
                names["inputs"] = tuple(map(own, node.inputs))
            nodes.append(dataclasses.replace(node, **names))
        for mine, ports in ((inputs, graph.inputs), (outputs, graph.outputs)):
            mine += [dataclasses.replace(port, name=own(port.name), tensor=own(port.tensor))
                     for port in ports]
    return check(Graph(name, tensors, tuple(nodes), tuple(inputs), tuple(outputs)))
