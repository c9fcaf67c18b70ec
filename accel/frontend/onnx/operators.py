"""All operators of ONNX: those with handlers, the host's, and those that nobody takes."""

from collections.abc import Callable

import onnx

from accel.frontend.onnx import importer, integer, parts, qoperator, searching

#: The version of the operator set that is listed: a fixed one, or a list would change with what is
#: installed.
OPSET = 21
#: The other domain that has operators of ours.
MICROSOFT = "com.microsoft"
#: Operators whose quantisation is an input of theirs, and all others with handlers.
INTEGER: dict[str, Callable] = {**qoperator.HANDLERS, **integer.HANDLERS}
OTHERS = {name: handler for name, handler in importer.HANDLERS.items() if name not in INTEGER}
#: Operators that nobody takes, and why.
REFUSED = {**parts.REFUSED, **dict.fromkeys(
    searching.FINDING, "as many results as they find: end the network before it "
    "(`onnx.utils.extract_model`)")}


def qualified(operator: str) -> str:
    """An operator with its domain, if that is not ONNX's own."""
    return operator if onnx.defs.has(operator) else f"{MICROSOFT}:{operator}"


def all_operators() -> list[str]:
    """The operators of ONNX's own domain, but for those that were withdrawn."""
    newest: dict[str, onnx.defs.OpSchema] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        known = newest.get(schema.name)
        if not schema.domain and schema.since_version <= OPSET and (
                known is None or known.since_version < schema.since_version):
            newest[schema.name] = schema
    return sorted(name for name, schema in newest.items() if not schema.deprecated)


def host() -> list[str]:
    """Operators that the host alone has."""
    known = {*importer.HANDLERS, *REFUSED, "Constant"}
    return [name for name in all_operators() if name not in known]
