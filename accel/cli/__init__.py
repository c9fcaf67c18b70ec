"""The command line: every error is one line on standard error and an exit code.

Bad input ends with 2; a result that differs, or that cannot be written any more, with 1.
"""

import contextlib
import errno

import click

from accel.cli.bench import bench
from accel.cli.bench_networks import bench_networks
from accel.cli.estimate import estimate
from accel.cli.hardware import fpga, verilog
from accel.cli.hls import hls
from accel.cli.networks import show_models
from accel.cli.run import run
from accel.cli.sweep import sweep
from accel.cli.train import quantize, train


@contextlib.contextmanager
def _brief(command: str):
    """Turn click's usage errors, and those of the operating system, into one line."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else command
        failure = click.ClickException(f"{error.format_message()} ({path} --help)")
        failure.exit_code = error.exit_code
        raise failure from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has seen enough
            raise
        raise click.ClickException(str(error)) from error


class OneLineErrors(click.Group):
    """A group of commands whose errors are one line, without a traceback."""

    def make_context(self, info_name, args, parent=None, **extra):
        """Parse the group's own options."""
        with _brief(info_name):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context):
        """Run the command."""
        with _brief(ctx.command_path):
            return super().invoke(ctx)


@click.group(cls=OneLineErrors)
@click.version_option(package_name="accel")
def main() -> None:
    """Simulate, check and build a CNN accelerator."""


for command in (show_models, train, quantize, run, estimate, sweep, verilog, hls, fpga, bench):
    main.add_command(command)
bench.add_command(bench_networks)
