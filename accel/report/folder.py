"""Everything that a run or an estimate leaves behind: the report, its plots and its trace."""

import pathlib

from accel.report import files, plot, roofline, timeline, trace


def write(report: dict, folder: pathlib.Path) -> None:
    """Write ``report`` and what is drawn from it into ``folder``, which is made if need be.

    A network that runs on the host alone has a report, but nothing to draw.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(report, folder / "report.json")
    if not report["timeline"]:
        return
    plot.utilisation(report, folder / "utilisation.png")
    roofline.roofline(report, folder / "roofline.png")
    timeline.draw(report, folder / "timeline.png")
    trace.write(report, folder / "trace.json")
