"""``accel models``: the built-in networks and their layers."""

import pathlib

import click

from accel import models
from accel.cli.common import terminal
from accel.cli.exits import one_line


@click.command("models")
@click.argument("network", required=False)
@click.option("--onnx", "output", type=click.Path(dir_okay=False, path_type=pathlib.Path),
              help="Write NETWORK with seeded random weights as a float .onnx file.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True,
              help="Of the random weights.")  # fmt: skip
def show_models(network, output, seed) -> None:
    """List the built-in networks, or the layers of one NETWORK."""
    from accel.frontend import load
    from accel.graph.ports import InputError
    from accel.report import networks

    console = terminal()
    with one_line():
        if network is None:
            if output is not None:
                raise InputError("--onnx needs the name of a network")
            console.print(networks.overview(_overview()))
            return
        if network not in {**models.NETWORKS, **models.BUILTIN}:
            names = ", ".join({**models.BUILTIN, **models.NETWORKS})
            raise InputError(f"network must be one of {names}, not {network!r}")
        if network not in models.NETWORKS:
            if output is not None:
                raise InputError(f"network {network!r} is an int8 file, not a float definition")
            one = models.BUILTIN[network]
            console.print(networks.describe(one.name, one.summary, load(one.network)))
            return
        found = models.NETWORKS[network].build()
        if output is None:
            console.print(networks.describe_float(found))
            return
        _write_random(found, seed, output)
        console.print(f"{output}: {network} with random weights, seed {seed}", soft_wrap=True)


def _overview():
    """One row of ``accel models`` for every network."""
    from accel.frontend import load
    from accel.report import networks

    for name, model in models.BUILTIN.items():
        if name not in models.NETWORKS:
            yield name, *networks.figures(load(model.network)), "trained int8 file"
    for name, definition in models.NETWORKS.items():
        net = definition.build()
        trained = name in models.BUILTIN
        weights = "trained int8 file" if trained else "seeded random, or your own .onnx"
        yield name, net.input_shape, len(net.nodes), net.parameter_count, net.macs, weights


def _write_random(network, seed: int, output: pathlib.Path) -> None:
    """Write a network with seeded random weights as float ONNX."""
    from accel.errors import why
    from accel.graph.ports import InputError
    from accel.network.export import to_bytes
    from accel.report.files import replacing

    network.initialise(seed)
    try:
        with replacing(output) as temporary:
            temporary.write_bytes(to_bytes(network))
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {why(error, output)}") from error
