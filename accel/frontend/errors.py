"""What importers raise."""


class ModelError(ValueError):
    """A network file cannot be used; the message names file, node, rule and value."""
