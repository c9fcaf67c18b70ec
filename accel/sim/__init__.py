"""Simulators of the RTL behind one protocol (see accel.sim.engine)."""

from accel.errors import shown
from accel.params import ParamError
from accel.sim.engine import Engine
from accel.sim.pysim import PysimEngine
from accel.sim.verilator import VerilatorEngine, available

#: Names of engines.
ENGINES = ("auto", "verilator", "pysim")


def get_engine(name: str = "auto") -> Engine:
    """Return the engine called ``name``; `auto` is verilator where it can be built, else pysim.

    Raises:
        ParamError: there is no such engine.
    """
    if name not in ENGINES:
        raise ParamError(f"engine must be one of {', '.join(ENGINES)}, not {shown(name)}")
    if name == "pysim" or name == "auto" and not available():
        return PysimEngine()
    return VerilatorEngine()
