"""What a sweep cannot do."""

from accel.errors import AccelError


class SweepError(AccelError, RuntimeError):
    """A sweep cannot be started or continued; the message names what, the rule and the value."""
