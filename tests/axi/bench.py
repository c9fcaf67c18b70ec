"""What cocotb does inside the simulator: programs, errors and resets, by environment variables."""

import json
import os
import pathlib

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from accel.isa import Error
from accel.registers import Reg
from tests.axi.machine import Host
from tests.axi.programs import draw

#: Memory behind the machine; what a program of 60,000 multiplications needs, several times.
SIZE = 1 << 20
BASES = 0, 0x4000_0000, 0x7FFF_F000, 0xFFF0_0000
#: A run that is to be disturbed: the accesses of memory, and cycles, within which it comes.
ACCESSES, CYCLES = 400, 4000


@cocotb.test()
async def campaign(dut):
    """One program after the other, each on a bus that pauses in its own way, some disturbed."""
    seed, count = int(os.environ["AXI_SEED"]), int(os.environ["AXI_PROGRAMS"])
    rng = np.random.default_rng([seed, 18])
    host = Host(dut, int(rng.choice(BASES)), SIZE)
    await host.begin()
    done = {"programs": 0, "bytes": 0, "errors": 0, "resets": 0, "aborts": 0, "wrong": []}
    for number in range(count):
        program = draw(np.random.default_rng([seed, number]))
        host.pause(rng)
        await _disturbed(host, program.case, rng, done)
        host.put(program.case)
        await host.start(program.case)
        code = await host.end()
        wrong = [f"ended with {Error(code).name}"] if code else program.wrong(host.space)
        done["wrong"] += [f"seed {seed}, program {number} ({program.case.name}): {one}"
                          for one in [*wrong, *host.broken]]  # fmt: skip
        host.broken.clear()
        done["programs"] += 1
        done["bytes"] += sum(values.size for _, values in program.wanted)
    done["wrong"] += host.broken
    pathlib.Path(os.environ["AXI_RESULT"]).write_text(json.dumps(done), encoding="utf-8")
    assert not done["wrong"], done["wrong"]


async def _disturbed(host, program, rng, done):
    """Before every other program runs whole: an error, a reset or an abort in the middle of it."""
    kind = rng.choice(["read", "write", "reset", "abort", "none", "none", "none"])
    host.put(program)
    if kind in ("read", "write"):
        setattr(host.memory, f"{kind}_fails", int(rng.integers(ACCESSES)))
        before = host.memory.failed
        await host.start(program)
        code, failed = await host.end(), host.memory.failed > before
        host.memory.read_fails = host.memory.write_fails = None
        done["errors"] += failed
        wanted = Error[f"AXI_{kind.upper()}"] if failed else Error(0)
        if code != wanted:
            done["wrong"].append(f"{program.name}: {kind} failed {failed}, code {code}")
    elif kind == "reset":
        await host.start(program)
        await ClockCycles(host.dut.aclk, int(rng.integers(1, CYCLES)))
        await host.reset(int(rng.integers(1, 20)))
        done["resets"] += 1
    elif kind == "abort":
        await host.start(program)
        await ClockCycles(host.dut.aclk, int(rng.integers(1, CYCLES)))
        await host.master.write_dword(Reg.CONTROL, 4)
        code = await host.end()
        done["aborts"] += code == Error.ABORTED
        if code not in (0, Error.ABORTED):
            done["wrong"].append(f"{program.name}: aborted, code {code}")
