"""Everything that a run or an estimate leaves behind: the report, its plots and its trace."""

import pathlib
from collections.abc import Callable

from accel.report import files, page, plot, roofline, timeline, trace

#: What is made of a report, beside report.json.
PARTS = {
    "utilisation.png": plot.utilisation,
    "roofline.png": roofline.roofline,
    "timeline.png": timeline.draw,
    "trace.json": trace.write,
}


#: The page of a report.
PAGE = "index.html"


def write(
    report: dict, folder: pathlib.Path, layers: Callable[[], dict] | None = None
) -> dict[str, Exception]:
    """Write ``report`` and what is drawn from it into ``folder``, which is made if need be.

    The report comes first, and a picture that cannot be drawn keeps no other from being drawn.  A
    network that runs on the host alone has a report and a page, but nothing to draw.  ``layers``
    gives what the page shows of the layers themselves (accel.report.inside).

    Returns:
        What failed, by the file's name.

    Raises:
        OSError: the report itself cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(report, folder / "report.json")
    failed = {}
    parts = dict(PARTS) if report["timeline"] else {}
    parts[PAGE] = lambda report, path: page.write(report, path, layers and layers())
    for name, make in parts.items():
        try:
            make(report, folder / name)
        except Exception as error:  # whatever it is: the report is what counts
            failed[name] = error
            (folder / name).unlink(missing_ok=True)  # of an earlier report
    return failed
