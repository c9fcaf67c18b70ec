"""Which points of a sweep nothing else beats."""

#: What should be small.  Batches are compared by cycles for an image.
_COSTS = ("pes", "buffer_bytes")


def cycles_per_image(row: dict) -> float:
    """A point's cycles over its batch."""
    return row["cycles"] / row["batch"]


def optimal(rows: list[dict], costs: tuple[str, ...] = _COSTS) -> list[bool]:
    """Whether each row is on the Pareto front of cycles for an image and ``costs``.

    No other row is at most as large in all of them and smaller in one.  Failed rows are not.
    """
    figures = [
        (cycles_per_image(row), *(row[name] for name in costs)) if row["status"] == "ok" else None
        for row in rows
    ]
    good = sorted({figure for figure in figures if figure})
    # Sorted by cycles: only what comes before a figure can beat it, and of that only the front.
    front: list[tuple] = []
    for figure in good:
        if not any(all(a <= b for a, b in zip(one, figure, strict=True)) for one in front):
            front.append(figure)
    chosen = set(front)
    return [figure in chosen for figure in figures]
