"""Why a layer can seem to do more than the array can: what its cycles are."""

NOTE = "a layer's cycles: from the completion of the layer before to its own; layers overlap"


def note(report: dict) -> str:
    """The sentence for the reader of ``report`` if a layer is above 100 %, else nothing."""
    return NOTE if any(layer["utilisation"] > 1 for layer in report["layers"]) else ""
