"""Writing a folder whole or not at all, and never over what somebody else put there."""

import contextlib
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Iterator

from accel.graph.ports import InputError

#: Tells a folder of ours, and what is in it: SHA-256 by file.
MANIFEST = "export.json"
#: What `make` leaves in the folder; it may go.
BUILT = frozenset({"testbench"})


class FolderError(InputError):
    """A folder cannot be written; the message names it and what is in the way."""


@contextlib.contextmanager
def replacing(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a new folder that takes the place of ``folder`` when the block succeeds.

    Raises:
        FolderError: ``folder`` holds what no export of ours wrote, or cannot be written.
    """
    folder = pathlib.Path(folder).resolve()
    check_ours(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as parent:
            new, old = pathlib.Path(parent) / "new", pathlib.Path(parent) / "old"
            new.mkdir()
            yield new
            if folder.exists():
                folder.rename(old)
            try:
                new.rename(folder)
            except BaseException:
                if old.exists():
                    old.rename(folder)
                raise
    except OSError as error:
        raise FolderError(f"{folder}: cannot be written: {error}") from error


def write_manifest(folder: pathlib.Path, about: dict) -> None:
    """Write the manifest of a folder's files, and what it tells ``about`` them."""
    hashes = {path.name: _hash(path) for path in sorted(folder.iterdir())}
    text = json.dumps({"schema": 1, "generator": "accel hls", **about, "sha256": hashes}, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def check_ours(folder: pathlib.Path) -> None:
    """Refuse a folder with anything in it but an export as it was written.

    Raises:
        FolderError: naming the folder and what is in the way.
    """
    try:
        if pathlib.Path.cwd().is_relative_to(folder.resolve()):
            raise FolderError(f"{folder}: must not be the current folder or one above it, since "
                              "a new folder takes its place")
        if not folder.exists():
            return
        names = sorted(path.name for path in folder.iterdir())
        hashes = _hashes(folder) if MANIFEST in names else {}
        for name in names:
            built = name in BUILT and (folder / name).is_file()
            if name != MANIFEST and name not in hashes and not built or not hashes:
                raise FolderError(f"{folder}: must be new, empty or an export of accel hls, but "
                                  f"holds {name!r}")
            if name in hashes and _hash(folder / name) != hashes[name]:
                raise FolderError(f"{folder}: {name} was changed after accel hls wrote it: keep it "
                                  "elsewhere, or export into another folder")
    except (OSError, RuntimeError) as error:  # links in a circle are a RuntimeError
        raise FolderError(f"{folder}: cannot be used: {error}") from error


def _hashes(folder: pathlib.Path) -> dict[str, str]:
    """The hashes of a manifest; none if it is not ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        ours = manifest["generator"] == "accel hls"
        return dict(manifest["sha256"]) if ours else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _hash(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
