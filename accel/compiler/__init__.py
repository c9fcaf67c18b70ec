"""From a network graph to a program: legalise, tile, place, lower, emit."""

from accel.compiler.compile import compile_graph
from accel.compiler.errors import CompileError
from accel.compiler.mapping import Mapping

__all__ = ["CompileError", "Mapping", "compile_graph"]
