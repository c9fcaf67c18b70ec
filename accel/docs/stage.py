"""Puts everything that the site is made of into one folder, laid out as the site is."""

import os
import pathlib
import re
import shutil

from accel.docs import gallery, pictures, reference

_HERE = pathlib.Path(__file__).parent
PAGES = _HERE / "pages"
ROOT = _HERE.parents[1]
#: The repository's own pages that are the site's, too, at the same places; patterns.
OWN = ("ARCHITECTURE.md", "CHANGELOG.md", "models/SOURCES.md", "reports/*.md",
       "reports/*/report.md", "reports/*/*/report.md")  # fmt: skip
_LINK = re.compile(r"\[([^\]]*)\]\(((?!https?:|#)[^)#\s]+)(#[^)]*)?\)")

_QUOTED = re.compile(r"^```\{literalinclude\} [./]*/source/(\S+)", re.M)


def stage(folder: pathlib.Path) -> None:
    """Write the site's sources into ``folder``, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PAGES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for pattern in OWN:
        for path in sorted(ROOT.glob(pattern)):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rebound(path), encoding="utf-8")
    for page, text in reference.PAGES.items():
        path = folder / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
    _sources(folder)
    pictures.draw_all(folder / "pictures")
    gallery.write(folder / "extra", ROOT)


def rebound(path: pathlib.Path) -> str:
    """A repository's page whose links stay in the site.

    What is linked and is no page of the site, a script for one, is only named; a link to what is
    not there at all is left for Sphinx to complain about.
    """
    pages = {one for pattern in OWN for one in ROOT.glob(pattern)}

    def link(found: re.Match) -> str:
        target = pathlib.Path(os.path.normpath(path.parent / found[2]))
        if target in pages or not target.exists():
            return found[0]
        return found[1] if target.name in found[1] else f"{found[1]} (`{target.relative_to(ROOT)}`)"

    return _LINK.sub(link, path.read_text(encoding="utf-8"))


def _sources(folder: pathlib.Path) -> None:
    """The source files that pages quote, as source/..."""
    for page in folder.rglob("*.md"):
        for name in _QUOTED.findall(page.read_text(encoding="utf-8")):
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
