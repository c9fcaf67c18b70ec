"""What is wrong with a SCALE-Sim file."""

import pathlib

from accel.errors import AccelError

#: Digits of the longest number that is one.
_DIGITS = 20


class ScaleSimError(AccelError, ValueError):
    """A topology or configuration file breaks a rule; names file, line, layer, rule and value."""


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a text file.

    Raises:
        ScaleSimError: it cannot be read, or is no text.
    """
    try:
        return pathlib.Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ScaleSimError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScaleSimError(f"{path}: is not a text file: {error.reason}") from error


def whole_number(text: str) -> int:
    """The number that a cell's decimal digits are, or 0 where they are none or far too many."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0
