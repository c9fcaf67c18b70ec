"""What importers raise."""

from accel.errors import AccelError


class ModelError(AccelError, ValueError):
    """A network file cannot be used; the message names file, node, rule and value.

    Names come from the file and may hold anything: what does not print is shown as an escape, so
    that the message stays one line.
    """

    def __init__(self, text: str):
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


class FloatModelError(ModelError):
    """A network file is float: it must be quantised before it can be used."""


class EmptyError(ModelError):
    """A window fits nowhere on its image: there is no result, whoever computes it."""


class CostError(ModelError):
    """A file would cost its reader too much, whoever computes it: the host does not get it."""
