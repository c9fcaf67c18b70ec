"""A machine that counts what the programs reach that run on it."""

import ctypes
import pathlib
import tempfile

import numpy as np

from accel.sim import verilator
from tests.coverage import counts, netlist, points
from tests.faults.subject import PARAMS
from tests.mutation.case import Case, Ended
from tests.mutation.cases import LONGEST
from tests.mutation.host import HostCase


class Counting:
    """The machine's simulator, and what was reached since it was made.

    Attributes:
        library: the simulator.
        text: the lines of its Verilog.
        programs, cycles: how much has run.
        points: the functional ones.
    """

    def __init__(self):
        path, self.text = netlist.simulator(PARAMS)
        self.library = verilator.load(path)
        self.library.accel_counts.argtypes = (ctypes.c_char_p,)
        self.library.accel_heard.restype = ctypes.c_uint64
        self._folder = tempfile.TemporaryDirectory()
        self._path = pathlib.Path(self._folder.name) / "counts.dat"
        self.library.accel_counts(str(self._path).encode())
        self._places, self._total = None, 0
        self.programs = self.cycles = 0
        self.points = points.Points(PARAMS)

    def run(self, case: Case | HostCase) -> Ended:
        """Run a program or a host; returns how that ended."""
        ended = case.end(self.library, LONGEST)
        self.count(ended)
        if isinstance(case, Case):
            self.points.see(case, ended)
        return ended

    def run_again(self, case: Case) -> tuple[Ended, Ended]:
        """Run a program, and once more on the same machine; returns how that ended."""
        first, second = case.ends(self.library, LONGEST, 2)
        self.count(first, second)
        return first, second

    def heard(self, most: int) -> np.ndarray:
        """What the last host read, in its order, but no more than ``most``."""
        words = np.zeros(most, np.uint32)
        count = self.library.accel_heard(ctypes.c_void_p(words.ctypes.data), ctypes.c_uint64(most))
        return words[:count]

    def count(self, *runs: Ended) -> None:
        """Add what the last machine reached in these runs of it."""
        self.programs += len(runs)
        self.cycles += sum(ended.cycles for ended in runs)
        if self._places is None:
            self._places = counts.places(self._path)
        self._total += counts.counted(self._path)

    def taken(self) -> dict[counts.Branch | counts.Toggle, int]:
        """How often each branch was taken, and each bit of hardware rose or fell."""
        hardware = netlist.toggling(PARAMS)
        return {
            place: int(count) for place, count in zip(self._places, self._total, strict=True)
            if not isinstance(place, counts.Toggle) or place.bit in hardware.get(place.name, ())
        }  # fmt: skip
