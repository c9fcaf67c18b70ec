"""``python -m tests.support.ship``: write the Verilog that comes with the package.

To be run after a change of rtl/ or of what turns it into Verilog (tests/sim/test_shipped.py says
so); a minute or two.
"""

import lzma

from accel.machines import open_machine
from accel.params import Params
from accel.sim import shipped
from accel.sim.verilog import emit_simulated

#: What people run first: the default machine, the same with the array of many examples, and the
#: smallest that runs every network.
MACHINES = Params(), Params(rows=8, cols=8), open_machine("small").params


def main() -> None:
    """Write what is missing, remove what no machine has any more."""
    shipped.FOLDER.mkdir(exist_ok=True)
    paths = {shipped.file_of(params): params for params in MACHINES}
    for old in set(shipped.FOLDER.glob("*.xz")) - paths.keys():
        old.unlink()
    for path, params in paths.items():
        if not path.exists():
            text = emit_simulated(params).encode()
            path.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
            print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
