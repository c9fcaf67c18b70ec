"""``accel compare``: another implementation's layers against those of ``accel run --dump``."""

import pathlib

import click

from accel.cli.common import terminal
from accel.cli.exits import DIFFERS, failure, one_line

#: Differing files that are named, one a line.
_NAMED = 10


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=pathlib.Path))
@click.argument("other", type=click.Path(path_type=pathlib.Path))
def compare(folder, other) -> None:
    """Hold the files in OTHER against DIR, which `accel run --dump DIR` wrote.

    Files in OTHER have the names that they have in DIR, or are a layer's output called NAME.npy or
    NAME.hex, NAME being the layer's or the tensor's. The exit code is 0 if all that is there
    agrees, 1 if a value differs: then the first one is shown with its coordinates and the sums
    behind it; 2 if there is nothing to compare.
    """
    from accel.dump import compare as hold
    from accel.report.words import counted

    with one_line():
        found = hold(folder, other)
    console = terminal()
    if found.missing:
        names = ", ".join(found.missing[:_NAMED]) + (", ..." if found.missing[_NAMED:] else "")
        console.print(f"not in {other}: {names}", soft_wrap=True, highlight=False)
    layers, files = counted(len(found.layers), "layer"), counted(found.files, "file")
    console.print(f"compared {files} of {layers}, {len(found.differences)} differ",
                  soft_wrap=True, highlight=False)  # fmt: skip
    if not found.differences:
        return
    first, *others = found.differences
    for line in first.why:
        console.print(f"  {line}", soft_wrap=True, highlight=False)
    for one in others[: _NAMED - 1]:
        console.print(one.message, soft_wrap=True, highlight=False)
    raise failure(first.message, DIFFERS)
