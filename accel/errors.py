"""The one base class of all errors of this package, under a name for each kind.

Each is also the built-in error that it resembles (ValueError, RuntimeError), as it always was.
"""

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
