"""``index.html`` beside a report.json: the same numbers, to walk through.

One file without a request to anywhere, made of the report alone; a run adds what it saw of the
layers themselves (accel.report.inside).  The network is laid out by dagre, whose file and licence
lie in accel/report/web/vendor.
"""

import pathlib

from accel.page import bundle
from accel.report.files import write_text

_WEB = pathlib.Path(__file__).parent / "web"
#: What all pages of this folder look like.
STYLES = (bundle.WEB / "style.css", _WEB / "report.css")
_SCRIPTS = (
    bundle.WEB / "basics.js", _WEB / "vendor" / "dagre.min.js", _WEB / "svg.js",
    _WEB / "table.js", _WEB / "network.js", _WEB / "roofline.js",
    _WEB / "timeline.js", _WEB / "layer.js", _WEB / "start.js",
)  # fmt: skip


def render(report: dict, layers: dict[str, dict] | None = None) -> str:
    """The page of a report; ``layers`` is what accel.report.inside describes, if it was a run."""
    data = {"report": report, "layers": layers or {}, "made": bundle.made_by()}
    return bundle.page(_WEB / "report.html", STYLES, _SCRIPTS, REPORT=data)


def write(report: dict, path: pathlib.Path, layers: dict[str, dict] | None = None) -> None:
    """Write the page of a report."""
    write_text(render(report, layers), path)
