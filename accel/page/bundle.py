"""One HTML file out of the scripts in ``web``, the module and the network: no requests."""

import base64
import gzip
import json
import pathlib

from accel.page import PageError
from accel.version import DISTRIBUTION, version

_WEB = pathlib.Path(__file__).parent / "web"
#: The page's scripts, in an order in which they can be read.
SCRIPTS = (
    "basics.js", "machine.js", "arithmetic.js", "pad.js", "answer.js", "layers.js", "pixel.js",
    "strip.js", "blocks.js", "main.js",
)  # fmt: skip
#: Bytes that a page may have.
MOST_BYTES = 4_000_000


def bundle(described: dict, code: bytes) -> str:
    """The page of a network that accel.page.network described, with the WebAssembly ``code``.

    Raises:
        PageError: the page would be too large.
    """
    made = described | {"made": f"{DISTRIBUTION} {version()}"}
    scripts = "\n".join(_source(name) for name in SCRIPTS)
    page = _source("page.html")
    for place, text in {
        "/*STYLE*/": _source("style.css"),
        "/*WORKER*/": _source("worker.js"),
        "/*SCRIPTS*/": scripts,
        # Base64 has no letter that means anything in HTML, whatever a layer is called.
        "/*MODULE*/": _packed(code),
        "/*NETWORK*/": _packed(json.dumps(made).encode()),
    }.items():
        before, found, behind = page.partition(place)
        assert found, f"page.html has no {place}"
        page = before + text + behind
    if len(page) > MOST_BYTES:
        raise PageError(
            f"{described['name']}: the page would have {len(page):,} bytes, and at most "
            f"{MOST_BYTES:,} can be opened quickly: bring a smaller network"
        )
    return page


def _source(name: str) -> str:
    text = (_WEB / name).read_text(encoding="utf-8")
    assert name == "page.html" or "</" not in text, f"{name} would end its own element"
    return text


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
