"""SCALE-Sim's files and counts beside this machine's: the analytical peer to compare cycles with.

SCALE-Sim (https://github.com/scalesim-project/SCALE-Sim) counts the cycles of a systolic array
for layers listed in a CSV file.  Here are its file formats, its counts, and the comparison.
"""

from accel.scalesim.compare import compare
from accel.scalesim.config import Config, read_config
from accel.scalesim.cycles import DATAFLOWS, compute_cycles
from accel.scalesim.errors import ScaleSimError
from accel.scalesim.topology import Layer, read_topology

__all__ = [
    "DATAFLOWS", "Config", "Layer", "ScaleSimError", "compare", "compute_cycles", "read_config",
    "read_topology",
]  # fmt: skip
