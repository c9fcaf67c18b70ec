"""The one error of training."""


class TrainingError(ValueError):
    """Training cannot go on; the message names the file or setting, the rule and the value."""
