"""The page of operators: what of an ONNX or TFLite file runs where, and how exactly.

All of it is read from the importers: the notes that their handlers carry (accel/frontend/notes.py),
and their lists of what nobody computes.
"""

from collections.abc import Callable, Mapping

from accel.frontend import notes
from accel.frontend.onnx import operators as of_onnx
from accel.frontend.tflite import operators as of_tflite


def row(operator: str, note: notes.Note) -> str:
    """A line of a table."""
    return f"| {operator} | {note.place} | {note.when} | {note.exact} |"


def table(handlers: Mapping[str, Callable], title: Callable[[str], str] = str) -> str:
    """A table of operators with handlers."""
    lines = [row(title(operator), note) for operator in sorted(handlers)
             for note in notes.notes(handlers[operator], operator)]
    return "\n".join(["| operator | where | if | exact |", "|---|---|---|---|", *lines])


def _refused(reasons: Mapping[str, str]) -> str:
    """Reasons with their operators."""
    found: dict[str, list[str]] = {}
    for operator, reason in sorted(reasons.items()):
        found.setdefault(reason, []).append(operator)
    return "\n".join(f"- {reason}: {', '.join(names)}" for reason, names in found.items())


def _legend(entries: Mapping[str, str]) -> str:
    return "\n".join(f"- *{name}*: {text}." for name, text in entries.items())


def page() -> str:
    """The page, as Markdown."""
    return f"""# Operators

Written by `accel operators -o reports/operators.md`, from the functions that import a network
(`accel/frontend/onnx`, `accel/frontend/tflite`). `accel operators NAME` shows the lines of one.

Of an operator's lines that one counts whose condition holds. Where none does, or the type is
another than int8 and uint8, the host has it: a report shows it as `host`, with the reason.

Where it runs:

{_legend(notes.PLACES)}

How exactly:

{_legend(notes.EXACTNESS)}

## ONNX

The oracle is ONNX Runtime in an exact session ([exactness.md](exactness.md)); on the host it
computes itself. Layers of one dimension are taken as images of one row.

### Integer operators (QOperator)

{table(of_onnx.INTEGER, of_onnx.qualified)}

### Between DequantizeLinear and QuantizeLinear (QDQ), or on the bytes themselves

What lies between the two is one operator, perhaps with an activation function behind it; what only
moves bytes may stand on either side of a QuantizeLinear.

{table(of_onnx.OTHERS, of_onnx.qualified)}

### On the host alone

As far as ONNX Runtime has kernels for processors, of operator set {of_onnx.OPSET} these, and the
other operators of {of_onnx.MICROSOFT}:

{", ".join(of_onnx.host())}

### Refused

{_refused(of_onnx.REFUSED)}

## TFLite

The oracle is LiteRT's reference kernels (`BUILTIN_REF`); on the host they compute themselves. All
operators are taken in int8 and uint8; some of LiteRT's kernels know one of the two only.

{table(of_tflite.HANDLERS)}

### On the host alone

{", ".join(of_tflite.host())}

and, as far as LiteRT has kernels, {of_tflite.STABLEHLO}..., and the custom operators
{", ".join(of_tflite.CUSTOM)}.

### Refused

{_refused(of_tflite.REFUSED)}
"""


def about(name: str) -> str:
    """The lines of all operators with ``name`` in them, whatever its case; "" if there are none."""
    def called(operator: str) -> bool:
        return name.lower() in operator.lower()

    found = [line for line in page().splitlines()
             if line.startswith("| ") and called(line.split(" | ")[0])
             and not line.startswith("| operator ")]
    for form, of in (("ONNX", of_onnx), ("TFLite", of_tflite)):
        found += [f"| {operator} | host | {form} | {notes.OWN} |"
                  for operator in of.host() if called(operator)]
        found += [f"| {operator} | refused | {reason} |"
                  for operator, reason in of.REFUSED.items() if called(operator)]
    return "".join(f"{line}\n" for line in found)
