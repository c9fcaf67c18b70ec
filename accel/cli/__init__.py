"""The command line: every error is one line on standard error and exit code 2."""

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


@click.group()
@click.version_option(package_name="accel")
def main() -> None:
    """Simulate, check and build a CNN accelerator."""


for command in (show_models, train, quantize, run, estimate, sweep, verilog, hls, fpga, bench):
    main.add_command(command)
bench.add_command(bench_networks)
