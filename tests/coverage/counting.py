"""A machine that counts what the programs reach that run on it, beside one that does not."""

import ctypes
import pathlib
import tempfile

import numpy as np

from accel.sim import verilator
from accel.sim.verilator import VerilatorEngine
from tests.coverage import counts, netlist, points
from tests.faults.subject import PARAMS
from tests.mutation.case import Case, Ended, in_turn
from tests.mutation.cases import LONGEST
from tests.mutation.host import HostCase


class Counting:
    """The machine's simulator, and what was reached since it was made.

    Its Verilog is another one than the ordinary simulator's; so that what it counts is what the
    machine does, every program must end on it as on that, in every byte, register and cycle.

    Attributes:
        simulator: its library, loaded.
        text: the lines of its Verilog.
        programs, cycles: how much has run.
        points: the functional ones.
    """

    def __init__(self):
        path, self.text = netlist.simulator(PARAMS)
        self.simulator = verilator.load(path)
        engine = VerilatorEngine()
        engine.build(PARAMS)
        self._ordinary = verilator.load(engine.file)
        self.simulator.accel_heard.restype = ctypes.c_uint64
        self.programs = self.cycles = 0
        self.points = points.Points(PARAMS)

    def run(self, case: Case | HostCase, most: int = LONGEST) -> Ended:
        """Run a program or a host for ``most`` cycles at most; returns how that ended."""
        ended = case.end(self.simulator, most)
        self.count(ended)
        if isinstance(case, Case):
            assert ended == case.end(self._ordinary, most), case.name
            self.points.see(case, ended)
        return ended

    def run_in_turn(self, *cases: Case, high: bool = False) -> list[Ended]:
        """Run programs on one machine, one behind the other; returns how they ended.

        With ``high`` its counters begin high, and only there.
        """
        ended = in_turn([*cases], self.simulator, LONGEST)
        assert high or ended == in_turn([*cases], self._ordinary, LONGEST), cases[0].name
        self.count(*ended)
        return ended

    def heard(self, most: int) -> np.ndarray:
        """What the last host read, in its order, but no more than ``most``."""
        words = np.zeros(most, np.uint32)
        room = ctypes.c_void_p(words.ctypes.data)
        count = self.simulator.accel_heard(room, ctypes.c_uint64(most))
        return words[:count]

    def count(self, *runs: Ended) -> None:
        """These runs were of programs, too."""
        self.programs += len(runs)
        self.cycles += sum(ended.cycles for ended in runs)

    def taken(self) -> dict[counts.Branch | counts.Toggle, int]:
        """How often each branch was taken, and each bit of hardware rose or fell."""
        hardware = netlist.toggling(PARAMS)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "counts.dat"
            self.simulator.accel_counts(str(path).encode())
            places, counted = counts.places(path), counts.counted(path)
        taken = {
            place: count for place, count in zip(places, counted.tolist(), strict=True)
            if not isinstance(place, counts.Toggle) or place.bit in hardware.get(place.name, ())
        }  # fmt: skip
        toggles = sum(isinstance(place, counts.Toggle) for place in taken)
        assert toggles == 2 * sum(map(len, hardware.values())), "a bit is not counted"
        return taken
