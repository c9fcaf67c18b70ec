"""What a run or an estimate ends with: its folder, its table, and the errors behind it."""

import pathlib
import shutil
import tempfile
import typing

import numpy as np

from accel.cli.exits import FAILED, failure, internal
from accel.errors import why
from accel.whole import replacing

if typing.TYPE_CHECKING:
    from accel.result import Inside


def keep(
    report: dict, out: pathlib.Path, inside: "Inside | None" = None
) -> tuple[pathlib.Path, list[str]]:
    """Write ``report`` and what is drawn from it into the folder ``out``.

    A run gives what it saw ``inside``; its page shows the layers' maps, too.

    What was computed is kept: a report that cannot be written there goes to a folder for temporary
    files.

    Returns:
        The folder; what went wrong.
    """
    from accel.report import folder
    from accel.report import inside as shown

    layers = None if inside is None else lambda: shown.described(inside)
    problems = []
    try:
        failed = folder.write(report, out, layers)
    except OSError as error:
        told = f"{out}: cannot write the report: {why(error, out)}"
        out, failed = _elsewhere(report, layers, told)
        problems.append(f"{told}; it is in {out}")
    problems += [f"{out / name}: cannot be drawn: {_said(one)}" for name, one in failed.items()]
    return out, problems


def _elsewhere(report: dict, layers, told: str) -> tuple[pathlib.Path, dict[str, Exception]]:
    """Write a report among the temporary files; where that fails, too, what was ``told`` is all."""
    from accel.report import folder

    out = None
    try:
        out = pathlib.Path(tempfile.mkdtemp(prefix="accel-"))
        return out, folder.write(report, out, layers)
    except OSError as error:
        if out is not None:
            shutil.rmtree(out, ignore_errors=True)
        raise failure(f"{told}; nor is there room for it in {tempfile.gettempdir()}", FAILED
                      ) from error  # fmt: skip


def keep_outputs(graph_outputs: list[np.ndarray], out: pathlib.Path) -> None:
    """Write the outputs of a run that did not end well beside its report."""
    arrays = {f"output{number}": values for number, values in enumerate(graph_outputs)}
    with replacing(out / "outputs.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def _said(error: Exception) -> str:
    """What a user is told of a picture that failed."""
    return why(error) if isinstance(error, OSError) else internal(error)


def show(report: dict) -> None:
    """Print the layers, and what the search and the labels say."""
    from accel.cli.common import terminal
    from accel.report import bus, quantised, table

    console = terminal()
    console.print(table.render(report))
    if "quantised" in report:
        console.print(quantised.line(report["quantised"]), soft_wrap=True)
    if "search" in report:
        console.print(table.searched(report["search"]))
    if on_host := table.hosted(report):
        console.print(on_host, soft_wrap=True, markup=False)
    for line in bus.lines(report):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if "accuracy" in report:
        right, of = report["accuracy"]["correct"], report["accuracy"]["images"]
        console.print(f"accuracy {right}/{of} = {right / of:.1%}")
