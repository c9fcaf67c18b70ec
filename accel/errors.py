"""The one base class of all errors of this package, under a name for each kind.

Each is also the built-in error that it resembles (ValueError, RuntimeError), as it always was.
"""


class AccelError(Exception):
    """Anything that accel refuses or that failed; the message is one line for its user."""
