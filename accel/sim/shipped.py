"""Verilog for Verilator that comes with the package: of the machines that people run first.

Emitting a 16x16 machine takes longer than all else of a first run together.  What lies in the
folder beside this module is what accel.sim.verilog makes of these very sources: a file's name has
their digest, so that with any other source it is not found, and the machine is emitted.
"""

import lzma
import pathlib

from accel.params import Params
from accel.rtl.top import Accelerator
from accel.sim.verilog import Design, emit_simulated, source_digest

FOLDER = pathlib.Path(__file__).with_name("verilog_of")


def file_of(params: Params, design: Design = Accelerator) -> pathlib.Path:
    """Return where the Verilog of a machine lies, or would lie."""
    digest = source_digest(params, design)[:16]
    return FOLDER / f"{params.rows}x{params.cols}-{digest}.v.xz"


def simulated(params: Params, design: Design = Accelerator) -> str:
    """Return Verilog of module ``simulated``: the one that comes along, else a new one."""
    path = file_of(params, design)
    if path.is_file():
        return lzma.decompress(path.read_bytes()).decode()
    return emit_simulated(params, design)
