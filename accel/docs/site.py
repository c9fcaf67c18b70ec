"""HTML by Sphinx, strictly: a warning is an error, and so is a reference to nothing."""

import importlib.util
import pathlib

from accel.docs.stage import stage
from accel.whole import workspace

#: What must be installed, by what it is imported as.
NEEDS = {"sphinx": "sphinx", "furo": "furo", "myst_parser": "myst-parser"}


class DocsError(RuntimeError):
    """The site cannot be built."""


def missing() -> list[str]:
    """The packages that are not installed."""
    return [name for module, name in NEEDS.items() if importlib.util.find_spec(module) is None]


def build(out: pathlib.Path) -> None:
    """Write the site to ``out``, each file whole; its sources and what Sphinx remembers lie beside.

    Raises:
        DocsError: a package is missing, or there were warnings; Sphinx has printed them.
    """
    work = out.with_name(f"{out.name}-work")
    require()
    stage(work / "source")
    with workspace(out.parent, out.name) as new:
        html(work / "source", new, work / "doctrees")
        for file in sorted(path for path in new.rglob("*") if path.is_file()):
            target = out / file.relative_to(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def require() -> None:
    """Raise DocsError where a package is missing."""
    if missing():
        raise DocsError(f"the site needs {', '.join(missing())}: pip install 'cnn-accel[docs]'")


def html(source: pathlib.Path, out: pathlib.Path, doctrees: pathlib.Path) -> None:
    """Let Sphinx write a folder of sources to ``out``.

    Raises:
        DocsError: there were warnings; Sphinx has printed them.
    """
    from sphinx.cmd.build import build_main

    arguments = ["-q", "-W", "--keep-going", "-E", "-d", str(doctrees), "-b", "html"]
    if build_main([*arguments, str(source), str(out)]):
        raise DocsError(f"{source}: Sphinx had warnings, and none may be")
