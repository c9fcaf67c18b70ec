"""``accel estimate --scalesim``: SCALE-Sim's counts beside this machine's."""

import functools
import pathlib

import click

from accel.cli.common import check_place, progress_bar, terminal, writing
from accel.cli.exits import one_line


def compare(topology: pathlib.Path, config: pathlib.Path | None, machine, out) -> None:
    """Print the comparison for a topology file, and write report.json into ``out`` if it is given.

    The machine is ``machine``, with the configuration file's array unless --array was given.
    """
    from accel.dse.engines import predict
    from accel.machines import open_machine
    from accel.machines import report as described
    from accel.params import ParamError
    from accel.report import files, scalesim_table
    from accel.scalesim import read_config, read_topology
    from accel.scalesim.compare import compare as rows_of
    from accel.scalesim.errors import ScaleSimError
    from accel.scalesim.report import summarise

    with one_line():
        if out is not None:
            check_place(out)
        layers = read_topology(topology)
        if config is not None:
            preset = read_config(config)
            if not _is_given("array"):
                try:
                    machine = open_machine(machine, {"rows": preset.rows, "cols": preset.cols})
                except ParamError as error:
                    raise ScaleSimError(f"{config}: ArrayHeight and ArrayWidth: {error}") from error
        params, memory = machine.params, machine.memory
        counted = functools.partial(predict, memory=memory)
        with progress_bar("reading") as progress:
            rows = rows_of(layers, params, counted, progress)
        report = summarise(topology, rows, params, memory) | {"machine": described(machine)}
        if out is not None:
            with writing(out):
                files.write_json(report, out / "report.json")
    console = terminal()
    console.print(scalesim_table.render(report))
    console.print(scalesim_table.NOTES, soft_wrap=True, highlight=False)


def _is_given(option: str) -> bool:
    """Whether an option of the command that runs is on its command line."""
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE
