"""Where everything lies: commands, then weights, tensors and completion records.

Nothing is reused: every tensor keeps its own memory to the end, so that every layer's output can be
looked at after a run.  Addresses are given relative to the end of the commands, whose number is
known last.
"""

from accel.isa import COMMAND_BYTES
from accel.params import MAX_BURST, Params


class Memory:
    """Bump allocation of the data area.

    Parameters:
        params: the machine, for its alignment.
    """

    def __init__(self, params: Params):
        self.params, self.bus_bytes = params, params.bus_bytes
        self.bytes = 0

    def take(self, length: int) -> int:
        """The bus-aligned address of ``length`` new bytes."""
        address = self.bytes
        self.bytes += -(-length // self.bus_bytes) * self.bus_bytes
        return address


def command_space(counts: list[int], params: Params) -> tuple[list[int], int]:
    """Where each step's commands start, by their numbers, and where the data area does.

    All are at the start of a burst.
    """
    align = MAX_BURST * params.bus_bytes
    starts, end = [], 0
    for count in counts:
        starts.append(end)
        end += -(-count * COMMAND_BYTES // align) * align
    return starts, end
