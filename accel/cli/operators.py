"""``accel operators``: which operators of a file run where."""

import pathlib

import click

from accel.cli.common import write_or_print
from accel.cli.exits import one_line


@click.command("operators")
@click.argument("name", default="")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="A Markdown file; standard output by default.")  # fmt: skip
def show_operators(name, output) -> None:
    """List ONNX's and TFLite's operators, or those with NAME in them: where, if, how exactly."""
    from accel.graph.ports import InputError
    from accel.report import operators

    with one_line():
        text = operators.about(name) if name else operators.page()
        if not text:
            raise InputError(f"no operator of ONNX or TFLite has {name!r} in its name")
        write_or_print(text, output)
