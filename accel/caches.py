"""Where what takes long to make is kept, and where else if this user cannot write there."""

import errno
import functools
import os
import pathlib
import stat
import tempfile

#: What the system says of a folder that this user cannot write into, whatever room there is.
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def cache_directory() -> pathlib.Path:
    """Return where builds are kept: ``$XDG_CACHE_HOME/accel`` or ``~/.cache/accel``.

    A user who has no home has them where :func:`spare_directory` says.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    except RuntimeError:  # neither $HOME nor the system's users tell
        return spare_directory()
    return pathlib.Path(base) / "accel"


def writable_directory() -> pathlib.Path:
    """Return :func:`cache_directory`, or :func:`spare_directory` where nobody can write there."""
    usual = cache_directory()
    return usual if can_write(usual) else spare_directory()


def for_tools() -> dict[str, str]:
    """Return the environment of YoWASP's tools, which keep compiled code, and fail if they cannot.
    """
    usual = cache_directory().parent / "YoWASP"
    if "YOWASP_CACHE_DIR" in os.environ or can_write(usual):
        return dict(os.environ)
    return os.environ | {"YOWASP_CACHE_DIR": str(spare_directory() / "YoWASP")}


def can_write(folder: pathlib.Path) -> bool:
    """Whether files can be made in a folder, which is made if need be; it may be full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        return error.errno not in _NOT_OURS


@functools.cache
def spare_directory() -> pathlib.Path:
    """Return a folder of this user's alone among the temporary files.

    What lies in it is loaded as code, so nobody else may have made it, or may write there.

    Raises:
        OSError: there is no folder for temporary files.
    """
    folder = pathlib.Path(tempfile.gettempdir()) / f"accel-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if (
            stat.S_ISDIR(found.st_mode)
            and found.st_uid == os.geteuid()
            and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        ):
            return folder
    except FileExistsError:  # a file, or a link to one
        pass
    return pathlib.Path(tempfile.mkdtemp(prefix="accel-"))
