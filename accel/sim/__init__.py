"""Simulators of the RTL behind one protocol (see accel.sim.engine)."""

from accel.sim.engine import Engine
from accel.sim.pysim import PysimEngine
from accel.sim.verilator import VerilatorEngine, available

#: Names of engines.
ENGINES = ("auto", "verilator", "pysim")


def get_engine(name: str = "auto") -> Engine:
    """Return the engine called ``name``; `auto` is verilator where it can be built, else pysim.

    Raises:
        ValueError: there is no such engine.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {name!r}")
    if name == "pysim" or name == "auto" and not available():
        return PysimEngine()
    return VerilatorEngine()
