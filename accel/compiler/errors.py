"""The one exception of the compiler."""

from accel.errors import AccelError


class CompileError(AccelError, ValueError):
    """A network cannot run on a machine; the message names the node, the rule and the value."""
