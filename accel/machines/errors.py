"""What can be wrong with a machine's description."""

from accel.params import ParamError


class MachineFileError(ParamError):
    """A machine's file cannot be used; the message names file, key, rule and value."""
