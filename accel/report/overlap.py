"""What the cycles of a layer are, where layers overlap: the words for it in tables and plots."""

OWN = (
    "own cycles: the unit's busy cycles for this layer, whenever they were, and its idle ones "
    "since its layer before; utilisation: the share of its multipliers used in them"
)
CYCLES = (
    "cycles: from completion to completion, which add up to the total; layers overlap, so that "
    "some are completed in less time than they took"
)
NEAR = (
    "no mismatches counted (-): the bytes stay on the chip and are checked by those of the layer "
    "that reads them; --no-fusion has them written, and compared one by one"
)


def note(report: dict) -> str:
    """The sentences below a table of ``report``, where its layers' two counts differ."""
    layers = [layer for layer in report["layers"] if layer["where"] != "host"]
    if all(layer["cycles"] == layer["own_cycles"] for layer in layers):
        return ""
    compared = report["total"].get("mismatches") is not None
    near = compared and any(layer.get("near") for layer in layers)
    return "\n".join([CYCLES, OWN] + [NEAR] * near)
