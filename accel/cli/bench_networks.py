"""``accel bench networks``: whole networks on the RTL."""

import pathlib

import click

from accel.cli.common import check_place, progress_bar, terminal, writing
from accel.cli.exits import one_line


@click.command("networks")
@click.argument("names", nargs=-1)
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path),
              default="build/bench/networks", show_default=True,
              help="Where report.json and report.md go.")  # fmt: skip
def bench_networks(names, out) -> None:
    """Networks at full image size on the RTL: all, or those whose case begins with one of NAMES."""
    from accel.bench import networks
    from accel.report import files, networks_table

    cases = [case for case in networks.CASES if not names or case.name.startswith(names)]
    if not cases:
        known = ", ".join(case.name for case in networks.CASES)
        raise click.BadParameter(f"no case begins with {' or '.join(names)}; there are {known}")
    with one_line():
        check_place(out)
        with progress_bar("building") as progress:
            report = networks.run(cases, progress)
        with writing(out):
            files.write_json(report, out / "report.json")
            command = " ".join(("accel bench networks", *names))
            files.write_text(networks_table.markdown(report, command), out / "report.md")
    console = terminal()
    console.print(networks_table.render(report))
    targets = [one for row in report["figures"] for one in row["targets"]]
    missed = sum(not one["met"] for one in targets)
    console.print(f"{len(targets) - missed} targets met, {missed} missed; report in {out}",
                  soft_wrap=True)  # fmt: skip
