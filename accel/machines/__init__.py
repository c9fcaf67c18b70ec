"""One machine, described in one file: every field of the hardware and of the memory behind it.

    name = "mine"        # optional

    [machine]            # fields of accel.params.Params
    rows = 8
    cols = 8

    [memory]             # fields of accel.sim.engine.Memory
    latency_cycles = 64

What a file leaves out is as in the default machine.  ``small.toml`` and the others beside this
module are machines with names; :func:`open_machine` takes a name or a file.
"""

from accel.machines.choose import Source, chosen, report, shape
from accel.machines.errors import MachineFileError
from accel.machines.machine import Machine, open_machine
from accel.machines.read import names
from accel.machines.text import describe, written

__all__ = [
    "Machine", "MachineFileError", "Source", "chosen", "describe", "names", "open_machine",
    "report", "shape", "written",
]  # fmt: skip
