"""The protocol every simulation engine follows, and what a run is given and gives back."""

import dataclasses
import typing
from collections.abc import Callable, Mapping

import numpy as np

from accel.dram import CHIPS, CLOCK_MHZ
from accel.errors import AccelError, shown
from accel.isa import Error
from accel.params import ParamError, Params
from accel.registers import Reg


class SimulationError(AccelError, RuntimeError):
    """The machine stopped with an error, or a simulator could not be built or run.

    ``result`` is what a run had computed before it, where there is something: an accel.Result.
    """

    result = None


class MachineError(SimulationError):
    """The machine itself: it reported an error, broke the bus's protocol, or did not end."""


@dataclasses.dataclass(frozen=True)
class Memory:
    """The memory behind the AXI4 port, the same in every engine, cycle for cycle.

    A read's first beat comes ``latency_cycles`` after its address was taken, a write's response
    as long after its last beat.  Reads and writes together move ``bytes_per_cycle`` (0: the
    bus width).  With a non-zero ``stall_seed``, each ready and valid is withheld at random in
    ``stall_percent`` of the cycles.  With ``dram``, the name of a chip in accel.dram.CHIPS, behind
    a machine with a clock of ``clock_mhz``, data comes as that chip's banks, rows, refreshes and
    turn-arounds let it (accel/sim/dram.py), and ``latency_cycles`` later.  For tests of error
    handling: reads of ``fail_read`` and writes to ``fail_write`` (addresses, -1 for none) answer
    SLVERR; ``dead`` never answers.

    Raises ParamError, which names field, rule and value.

    >>> import accel
    >>> accel.Memory(latency_cycles=100).bytes_per_cycle
    0
    """

    latency_cycles: int = 32
    bytes_per_cycle: int = 0
    stall_seed: int = 0
    stall_percent: int = 0
    dram: str = ""
    clock_mhz: int = CLOCK_MHZ
    fail_read: int = -1
    fail_write: int = -1
    dead: bool = False

    def __post_init__(self):
        for name, low, high in (
            ("latency_cycles", 0, 1 << 20), ("bytes_per_cycle", 0, 1 << 10),
            ("stall_seed", 0, (1 << 32) - 1), ("stall_percent", 0, 99), ("clock_mhz", 1, 4000),
            ("fail_read", -1, (1 << 32) - 1), ("fail_write", -1, (1 << 32) - 1),
        ):  # fmt: skip
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not low <= value <= high:
                raise ParamError(
                    f"{name} must be an integer from {low} to {high}, not {shown(value)}"
                )

        if not isinstance(self.dram, str) or self.dram not in ("", *CHIPS):
            known = ", ".join(CHIPS)
            raise ParamError(f"dram must be one of {known} or empty, not {shown(self.dram)}")

    def rate(self, bus_bytes: int) -> int:
        """Bytes that a bus of ``bus_bytes`` moves in a cycle, at most."""
        rate = self.bytes_per_cycle or bus_bytes
        if self.dram:
            rate = min(rate, CHIPS[self.dram].bytes_per_cycle(self.clock_mhz))
        return rate

    @property
    def timing(self) -> dict[str, int | str]:
        """What the cycle model takes (accel.cyclemodel.predict), by its parameters' names."""
        return {name: getattr(self, name)
                for name in ("latency_cycles", "bytes_per_cycle", "dram", "clock_mhz")}

    @property
    def surprise(self) -> str | None:
        """The field that makes its cycles or answers others than the cycle model's, or None."""
        names = {
            "stall_percent": self.stall_seed and self.stall_percent,
            "fail_read": self.fail_read >= 0, "fail_write": self.fail_write >= 0, "dead": self.dead,
        }  # fmt: skip
        return next((name for name, on in names.items() if on), None)


#: What the memory counts in a run: bursts, and with a DRAM what became of them.
TRAFFIC = (
    "read_bursts", "write_bursts", "row_hits", "row_misses", "row_conflicts", "turnarounds",
    "refreshes",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    ``counters`` are the machine's own, by the names of accel.isa.RECORD; ``where`` is the index
    of a refused command; ``seconds`` the wall time of the simulation alone; ``traffic`` what the
    memory counted, by the names of TRAFFIC (nothing where the engine does not count it);
    ``engines`` the machine's engines' ``bursts`` and ``beats``, which the cycle model alone knows.
    """

    error: Error
    where: int
    counters: dict[str, int]
    seconds: float
    traffic: dict[str, int] = dataclasses.field(default_factory=dict)
    engines: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)


class Engine(typing.Protocol):
    """A simulator of the RTL."""

    name: str

    def build(self, params: Params, progress: Callable[[str, float], None] | None = None) -> None:
        """Make ready to simulate ``params``; ``progress`` is told a stage and a share from 0 to 1.

        Raises:
            SimulationError: naming the step that failed.
        """

    def run(
        self,
        memory: np.ndarray,
        start: int,
        commands: int,
        behaviour: Memory,
        max_cycles: int,
        registers: Mapping[Reg, int] | None = None,
    ) -> Outcome:
        """Reset the machine, run a program to its interrupt, leave its results in ``memory``.

        ``memory`` is a uint8 array from address 0, changed in place.  ``registers`` are
        written before the start, beside what tells of the program.

        Raises:
            MachineError: no interrupt within ``max_cycles``.
        """
