"""The command line; how commands end is in accel.cli.exits."""

import os
import sys

import click

from accel.cli import exits
from accel.cli.bench import bench
from accel.cli.bench_networks import bench_networks
from accel.cli.compare import compare
from accel.cli.estimate import estimate
from accel.cli.hardware import fpga, verilog
from accel.cli.hls import hls
from accel.cli.machines import show_machine
from accel.cli.networks import show_models
from accel.cli.operators import show_operators
from accel.cli.package import package
from accel.cli.page import page
from accel.cli.quantize import quantize
from accel.cli.run import run
from accel.cli.sweep import sweep
from accel.cli.trace import trace
from accel.cli.train import train
from accel.version import version


class OneLineErrors(click.Group):
    """A group of commands whose errors are one line, without a traceback."""

    def make_context(self, info_name, args, parent=None, **extra):
        """Parse the group's own options."""
        given = list(args)
        with exits.everything(info_name):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[exits.ARGUMENTS] = given
        return context

    def main(self, *arguments, **options):
        """Run a command and end; where nobody reads the errors either, as after the last line."""
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed, and the next file would be taken for it
                setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        try:
            return super().main(*arguments, **options)
        except BrokenPipeError:
            sys.exit(exits.PIPE)

    def invoke(self, ctx: click.Context):
        """Run the command."""
        with exits.everything(ctx.command_path):
            return super().invoke(ctx)


@click.group(cls=OneLineErrors)
@click.version_option(version())
def main() -> None:
    """Simulate, check and build a CNN accelerator."""


COMMANDS = (
    show_models, show_operators, train, quantize, run, compare, trace, estimate, sweep,
    show_machine, verilog, package, hls, page, fpga, bench,
)  # fmt: skip
for command in COMMANDS:
    main.add_command(command)
bench.add_command(bench_networks)
