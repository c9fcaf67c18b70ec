"""HTML by Sphinx, strictly: a warning is an error, and so is a reference to nothing."""

import importlib.util
import pathlib

from accel.docs.stage import stage

#: What must be installed, by what it is imported as.
NEEDS = {"sphinx": "sphinx", "furo": "furo", "myst_parser": "myst-parser"}


class DocsError(RuntimeError):
    """The site cannot be built."""


def missing() -> list[str]:
    """The packages that are not installed."""
    return [name for module, name in NEEDS.items() if importlib.util.find_spec(module) is None]


def build(out: pathlib.Path) -> None:
    """Write the site to ``out``; its sources and what Sphinx remembers lie beside it.

    Raises:
        DocsError: a package is missing, or there were warnings; Sphinx has printed them.
    """
    work = out.with_name(f"{out.name}-work")
    require()
    stage(work / "source")
    html(work / "source", out, work / "doctrees")


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
