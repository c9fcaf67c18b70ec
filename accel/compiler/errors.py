"""The one exception of the compiler."""


class CompileError(ValueError):
    """A network cannot run on a machine; the message names the node, the rule and the value."""
