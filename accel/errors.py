"""The one base class of all errors of this package, under a name for each kind.

Each is also the built-in error that it resembles (ValueError, RuntimeError), as it always was.
"""

import errno
import os

#: What to do about an error of the file system, by its number.
_ADVICE = {
    errno.ENOSPC: "free some space there, or choose another place",
    errno.EDQUOT: "free some space there, or choose another place",
    errno.EFBIG: "raise the limit (ulimit -f), or choose another place",
    errno.EACCES: "choose a place that this user may write to",
    errno.EPERM: "choose a place that this user may write to",
    errno.EROFS: "choose another place",
}
#: Those of them that say that there is no room.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: Characters of a value that a message shows.
_SHOWN = 80


class AccelError(Exception):
    """Anything that accel refuses or that failed; the message is one line for its user."""


def shown(value: object) -> str:
    """A value as a message shows it: whatever it is, in a few words on one line."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole numbers of thousands of digits
        if isinstance(value, int):
            return f"an integer of {value.bit_length()} bits"
        text = "too long an integer in it"
    return shortened(text, _SHOWN)


def shortened(text: str, most: int = 1000) -> str:
    """A text that is not longer than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def why(error: Exception, path: str | os.PathLike[str] | None = None) -> str:
    """What the system said of a file that could not be read or written, and what to do about it.

    The file is named unless it is ``path``, which the message names anyway.
    """
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    known = error.errno in _ADVICE  # libraries add words of their own
    said = os.strerror(error.errno) if known or not error.strerror else error.strerror
    named = "" if error.filename in (None, path and os.fspath(path)) else f"{error.filename}: "
    advice = _ADVICE.get(error.errno)
    return f"{named}{said}" + (f"; {advice}" if advice else "")


def is_full(error: BaseException | None) -> bool:
    """Whether an error comes, in the end, of a disk without room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__
    return False
