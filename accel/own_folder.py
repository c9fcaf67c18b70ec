"""Writing a folder whole or not at all, and never over what somebody else put there."""

import contextlib
import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator

from accel.errors import why
from accel.graph.ports import InputError
from accel.whole import replacing_folder


class FolderError(InputError):
    """A folder cannot be written; the message names it and what is in the way."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of folder.

    Attributes:
        maker: the command that writes it.
        what: what it writes, as messages name it.
        manifest: the file that tells a folder of ours, and what is in it: SHA-256 by file.
        built: files, and folders with a slash behind, that use of it leaves there; they may go.
    """

    maker: str
    what: str
    manifest: str
    built: frozenset[str] = frozenset()


@contextlib.contextmanager
def replacing(folder: pathlib.Path, kind: Kind) -> Iterator[pathlib.Path]:
    """Give a new folder that takes the place of ``folder`` when the block succeeds.

    Raises:
        FolderError: ``folder`` holds what was not written by us, or cannot be written.
    """
    folder = pathlib.Path(folder).resolve()
    check_ours(folder, kind)
    try:
        with replacing_folder(folder) as new:
            yield new
    except OSError as error:
        raise FolderError(f"{folder}: cannot be written: {why(error, folder)}") from error


def write_manifest(folder: pathlib.Path, kind: Kind, about: dict) -> None:
    """Write the manifest of a folder's files, and what it tells ``about`` them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): _hash(path) for path in files}
    text = json.dumps({"schema": 1, "generator": kind.maker, **about, "sha256": hashes}, indent=1)
    (folder / kind.manifest).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: pathlib.Path, kind: Kind) -> dict:
    """Return the manifest of a folder; an empty one if it is not ours."""
    try:
        manifest = json.loads((folder / kind.manifest).read_text(encoding="utf-8"))
        ours = manifest["generator"] == kind.maker
        return manifest if ours and isinstance(manifest["sha256"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def check_ours(folder: pathlib.Path, kind: Kind) -> None:
    """Refuse a folder with anything in it but what was written there.

    Raises:
        FolderError: naming the folder and what is in the way.
    """
    try:
        if pathlib.Path.cwd().is_relative_to(folder.resolve()):
            raise FolderError(f"{folder}: must not be the current folder or one above it, since "
                              "a new folder takes its place")
        if not folder.exists():
            return
        entries = sorted(path.name for path in folder.iterdir())
        hashes = read_manifest(folder, kind).get("sha256", {}) if kind.manifest in entries else {}
        for name, path in _entries(folder, "", hashes):
            built = f"{name}/" if path.is_dir() else name
            known = name == kind.manifest or name in hashes or built in kind.built
            if not known or not hashes:
                raise FolderError(f"{folder}: must be new, empty or {kind.what} of {kind.maker}, "
                                  f"but holds {name!r}")
            if name in hashes and _hash(path) != hashes[name]:
                raise FolderError(f"{folder}: {name} was changed after {kind.maker} wrote it: keep "
                                  "it elsewhere, or write into another folder")
    except (OSError, RuntimeError) as error:  # links in a circle are a RuntimeError
        raise FolderError(f"{folder}: cannot be used: {why(error, folder)}") from error


def _entries(folder: pathlib.Path, prefix: str, hashes) -> Iterator[tuple[str, pathlib.Path]]:
    """What is in a folder, by name; of a folder in it with files of ours what is in there."""
    for path in sorted(folder.iterdir()):
        name = prefix + path.name
        if path.is_dir() and any(one.startswith(f"{name}/") for one in hashes):
            yield from _entries(path, f"{name}/", hashes)
        else:
            yield name, path


def _hash(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
