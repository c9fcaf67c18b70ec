"""What the tables and pages of all benchmarks share."""

from collections.abc import Collection, Iterable, Sequence

import rich.box
import rich.table

from accel.machines.text import in_words


def hardware(rows: Collection[dict]) -> list[str]:
    """A line for each of the simulated machines that the rows of a report are of."""
    found = [in_words(row["params"], row["memory"]) for row in rows]
    return [f"- {one}" for one in dict.fromkeys(found)]


def machine(report: dict) -> str:
    """Where the figures were measured."""
    return f"{report['machine']['cpu']}, {report['machine']['cores']} cores"


def table(title: str, columns: Sequence[str], text: Collection[str]) -> rich.table.Table:
    """An empty table; columns in ``text`` are words, the others numbers."""
    empty = rich.table.Table(title=title, box=rich.box.SIMPLE_HEAD)
    for name in columns:
        empty.add_column(name, justify="left" if name in text else "right", overflow="fold")
    return empty


def lines(
    columns: Sequence[str], text: Collection[str], rows: Iterable[Sequence[str]]
) -> list[str]:
    """The lines of such a table, full, in Markdown."""
    rule = "|".join("---" if name in text else "---:" for name in columns)
    return [
        f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {' | '.join(cells)} |" for cells in rows)
    ]  # fmt: skip
