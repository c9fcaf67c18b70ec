"""Proves that no path of gates leads from one signal to another: only registers lie between.

This is what "valid never waits for ready" means: if ``valid`` depended on ``ready``, two blocks
each of which waits for the other would wait for ever (or form a loop of gates).  Nothing needs
solving: the netlist is followed from the one signal through all gates up to the next registers.
"""

import pathlib
import tempfile
import time

from amaranth import Module, Signal, Value

from tests.formal.prove import Proof, Refuted
from tests.formal.tools import READ, Unproved, run, write_design, yosys

#: Memories become registers and gates, all registers plain ones; what is not read is swept away.
REGISTERS = f"{READ}; memory_collect; memory_nordff; memory_map; opt_clean; dffunmap"
#: Everything behind `cause` up to registers; it must hold gates at all, but not `effect`.
CHECK = (
    "select -assert-any i:cause; select -assert-any o:effect; "
    "select -assert-none i:cause %co*:-$dff o:effect %i"
)


def prove_apart(component, causes, effects, *, timeout: float = 60) -> Proof:
    """Prove that in a block none of ``effects`` follows from any of ``causes`` in the same cycle.

    Args:
        component: the block; all its other inputs are 0, which removes none of its gates.
        causes: gives the inputs of it that may change, as a list.
        effects: gives the outputs that must not follow, as a list.
        timeout: seconds.

    Raises:
        Refuted: one does.
    """
    begun = time.monotonic()
    m = Module()
    m.submodules.dut = component
    inputs, outputs = causes(component), [Value.cast(value) for value in effects(component)]
    cause, effect = Signal(len(inputs), name="cause"), Signal(sum(map(len, outputs)), name="effect")
    m.d.comb += [port.eq(cause[n]) for n, port in enumerate(inputs)]
    start = 0
    for value in outputs:
        m.d.comb += effect[start : start + len(value)].eq(value)
        start += len(value)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_design(m, folder, cause, effect)
        code, said = run(folder, timeout, yosys(), "-q", "-p", f"{REGISTERS}; {CHECK}")
    if "Assertion failed: selection is not empty" in said:
        raise Refuted(f"an effect follows its cause in the same cycle: {said.strip()}")
    if code:
        raise Unproved(f"Yosys: {said.strip()}")
    return Proof(True, 0, len(outputs), time.monotonic() - begun)
