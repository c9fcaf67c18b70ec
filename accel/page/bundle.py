"""One HTML file out of a template, scripts and data: no request to anywhere.

``bundle`` makes the playground's; accel.report.page makes a report's of the same parts.
"""

import base64
import gzip
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from accel.page import PageError
from accel.version import DISTRIBUTION, version

WEB = pathlib.Path(__file__).parent / "web"
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
    made = assembled(WEB / "page.html", {
        "STYLE": read(WEB / "style.css"),
        "WORKER": read(WEB / "worker.js"),
        "SCRIPTS": scripts(WEB / name for name in SCRIPTS),
        "MODULE": packed(code),
        "NETWORK": packed(described | {"made": made_by()}),
    })  # fmt: skip
    if len(made) > MOST_BYTES:
        raise PageError(
            f"{described['name']}: the page would have {len(made):,} bytes, and at most "
            f"{MOST_BYTES:,} can be opened quickly: bring a smaller network"
        )
    return made


def page(
    template: pathlib.Path, styles: Iterable[pathlib.Path], code: Iterable[pathlib.Path],
    **data: Any,
) -> str:
    """The page of a template with its styles and scripts, and data for the places named so."""
    return assembled(template, {
        "STYLE": "".join(map(read, styles)), "SCRIPTS": scripts(code),
        **{name: packed(values) for name, values in data.items()},
    })  # fmt: skip


def made_by() -> str:
    """Which version of what made a page."""
    return f"{DISTRIBUTION} {version()}"


def assembled(template: pathlib.Path, parts: Mapping[str, str]) -> str:
    """The page in which each place ``/*NAME*/`` of the template is its part."""
    page = template.read_text(encoding="utf-8")
    for name, text in parts.items():
        before, found, behind = page.partition(f"/*{name}*/")
        assert found, f"{template.name} has no place for {name}"
        page = before + text + behind
    return page


def scripts(paths: Iterable[pathlib.Path]) -> str:
    """Scripts behind each other, as one."""
    return "\n".join(map(read, paths))


def read(path: pathlib.Path) -> str:
    """A script or a style, which must not end its own element in the page."""
    text = path.read_text(encoding="utf-8")
    assert "</" not in text, f"{path.name} would end its own element"
    return text


def packed(data: bytes | Any) -> str:
    """Bytes, or what JSON can hold, compressed, in base64.

    Base64 has no letter that means anything in HTML, whatever a layer is called.
    """
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
