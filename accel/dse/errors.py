"""What a sweep cannot do."""


class SweepError(RuntimeError):
    """A sweep cannot be started or continued; the message names what, the rule and the value."""
