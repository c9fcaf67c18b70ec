"""Programs that mutants are to be noticed by, and how one ends."""

import dataclasses
import functools

import numpy as np

from accel import golden
from accel.compiler import CompileError, compile_graph
from accel.graph.ir import Graph
from accel.isa import COMMAND_BYTES
from accel.program import Program
from accel.registers import Reg
from accel.sim import verilator
from accel.sim.engine import Memory
from accel.sim.host import RESULTS
from tests.faults.subject import PARAMS, graph
from tests.support.chain_campaign import random_chain
from tests.support.random_layers import random_graph

#: How many of each kind.
LAYERS, CHAINS, BROKEN = 24, 10, 24
#: Registers that are read at the end of every case.
READ = (*RESULTS, Reg.ID, Reg.SHAPE, Reg.CONTROL, Reg.PROGRAM, Reg.COMMANDS, Reg.TIMEOUT, Reg.BASE,
        Reg.VERSION, Reg.MACHINE)  # fmt: skip
#: Where a program lies that does not begin at address 0.
BASE = 0x5000


@dataclasses.dataclass(frozen=True)
class Case:
    """A program in memory, the memory's behaviour, and what the host writes to BASE."""

    name: str
    memory: np.ndarray
    start: int
    commands: int
    behaviour: Memory
    base: int = 0


@dataclasses.dataclass(frozen=True)
class Ended:
    """Memory, registers and cycles at the end, or what the simulator said of it."""

    memory: bytes
    values: tuple[int, ...]
    cycles: int
    said: str


def end(library, case: Case, limit: int) -> Ended:
    """Run a case on a fresh machine for at most ``limit`` cycles."""
    memory, result = case.memory.copy(), verilator.Result()
    config = verilator.config_of(PARAMS, memory, case.start, case.commands, case.behaviour, limit)
    config.writes += 1  # BASE before CONTROL
    config.write_address[config.writes - 1] = config.write_address[config.writes - 2]
    config.write_data[config.writes - 1] = config.write_data[config.writes - 2]
    config.write_address[config.writes - 2] = Reg.BASE
    config.write_data[config.writes - 2] = case.base
    config.reads = len(READ)
    config.read_address[: len(READ)] = READ
    handle = library.accel_begin(config)
    try:
        while not result.finished:
            library.accel_advance(handle, limit, result)
    finally:
        library.accel_end(handle)
    return Ended(memory.tobytes(), tuple(result.values), result.cycles, result.error.decode())


def _of(name: str, net: Graph, rng, behaviour: Memory, batch: int = 1) -> tuple[Program, Case]:
    """A network's program, with random images."""
    program = compile_graph(net, PARAMS, batch)
    memory = program.image.copy()
    for port in net.inputs:
        view = program.tensors[port.tensor].view(memory)
        view[...] = rng.integers(-128, 128, view.shape)
    (step,) = program.steps
    return program, Case(name, memory, step.start, step.commands, behaviour)


def _memory(rng) -> Memory:
    """Any latency and width, half of them with stalls."""
    stalls = int(rng.integers(2)) and int(rng.integers(1, 1 << 31))
    return Memory(
        latency_cycles=int(rng.integers(1, 60)), stall_seed=stalls,
        bytes_per_cycle=int(rng.choice([0, 1, 3, 5])), stall_percent=int(rng.integers(5, 60)),
    )  # fmt: skip


@functools.cache
def cases() -> tuple[Case, ...]:
    """All cases, those first that notice most."""
    rng = np.random.default_rng(7)
    program, whole = _of("network", graph(), rng, Memory(latency_cycles=20))
    found = [whole, _moved(whole)]
    found += _drawn("layer", random_graph, LAYERS, rng)
    found += _drawn("chain", random_chain, CHAINS, rng)
    found += [_broken(program, whole, number) for number in range(BROKEN)]
    for name, behaviour in {
        "a read fails": Memory(fail_read=whole.start + 64),
        "a write fails": Memory(fail_write=program.layers[0].mark_addr),
        "a dead memory": Memory(dead=True),
    }.items():
        found.append(dataclasses.replace(whole, name=name, behaviour=behaviour))
    return tuple(found)


def _drawn(kind: str, draw, count: int, rng) -> list[Case]:
    """Networks that the machine takes, each for up to three images."""
    found = []
    while len(found) < count:
        net, batch = draw(rng), 1 + int(rng.integers(3))
        try:
            found.append(_of(f"{kind} {len(found)}", net, rng, _memory(rng), batch)[1])
        except CompileError:
            continue
    return found


def _moved(case: Case) -> Case:
    """The same program, BASE bytes further up in memory."""
    memory = np.concatenate([np.zeros(BASE, np.uint8), case.memory])
    return dataclasses.replace(case, name="elsewhere in memory", memory=memory, base=BASE,
                               behaviour=Memory(latency_cycles=3))  # fmt: skip


def _broken(program: Program, case: Case, number: int) -> Case:
    """A flipped bit in one of the commands: refused, or another program."""
    rng = np.random.default_rng([9, number])
    memory = case.memory.copy()
    at = case.start + int(rng.integers(case.commands)) * COMMAND_BYTES
    memory[at + int(rng.integers(COMMAND_BYTES))] ^= 1 << int(rng.integers(8))
    return dataclasses.replace(case, name=f"a broken command {number}", memory=memory)


def right(case: Case) -> bool:
    """Whether a run left the golden model's bytes, of the first case's network."""
    net = graph()
    program = compile_graph(net, PARAMS, 1)
    given = {port.tensor: program.tensors[port.tensor].view(cases()[0].memory)
             for port in net.inputs}  # fmt: skip
    output = net.outputs[0].tensor
    wanted = golden.run(net, {name: np.ascontiguousarray(value) for name, value in given.items()})
    return bool(np.array_equal(program.tensors[output].view(case.memory), wanted[output]))
