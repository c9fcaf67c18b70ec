"""Programs that mutants are to be noticed by."""

import dataclasses
import functools

import numpy as np

from accel import golden
from accel.compiler import CompileError, compile_graph
from accel.graph.ir import Graph, Min, Sub
from accel.isa import COMMAND_BYTES, FIELDS, FLOATS, Op, Rounding, WindowMode, pack, unpack
from accel.program import Program
from accel.sim.engine import Memory
from tests.faults.subject import PARAMS, graph
from tests.mutation.case import Case
from tests.mutation.counts import long
from tests.mutation.directed import directed
from tests.support import networks
from tests.support.chain_campaign import random_chain
from tests.support.random_layers import random_graph
from tests.support.random_programs import random_program

#: How many of each kind.
LAYERS, CHAINS, WRITTEN, WILD, BROKEN = 24, 10, 30, 16, 300
#: Where a program lies that does not begin at address 0.
BASE = 0x5000
#: By how much addresses are raised that a register lowers again: every bit of one is 0 and 1 once.
RAISED = 0x5555_5000, 0xAAAA_A000
#: A program that takes longer is none of the cases.
LONGEST = 150_000


def case_of(name: str, net: Graph, rng, behaviour: Memory, batch: int = 1) -> tuple[Program, Case]:
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
    program, whole = case_of("network", graph(), rng, Memory(latency_cycles=20))
    found = [whole, _moved(whole), *(raised(whole, by) for by in RAISED)]
    more = drawn("layer", random_graph, LAYERS, rng) + drawn("chain", random_chain, CHAINS, rng)
    found += [raised(case, int(rng.integers(1 << 20)) << 12) for case in more]
    more, another = case_of("another network", others(), rng, Memory(latency_cycles=9))
    found += [another, *(_wild(program, whole, number) for number in range(WILD))]
    found += [_wild(more, another, number) for number in range(WILD)]
    found += written()
    found += [_broken(whole, number) for number in range(BROKEN)]
    for name, behaviour in {
        "a read fails": Memory(fail_read=whole.start + 64),
        "a write fails": Memory(fail_write=program.layers[0].mark_addr),
        "a dead memory": Memory(dead=True),
    }.items():
        found.append(dataclasses.replace(whole, name=name, behaviour=behaviour))
    found.append(dataclasses.replace(whole, name="an unaligned program", start=whole.start + 4))
    found += [dataclasses.replace(whole, name=f"a budget of {budget}", budget=budget)
              for budget in (1, 301, 1110, 1111, 5000, 0x5555_5555, 0xAAAA_AAAA)]  # fmt: skip
    return (*found, *_limits(whole), *_long())


def written() -> list[Case]:
    """Programs of the instruction set itself, random ones and others; some raised."""
    rng = np.random.default_rng(19)
    found = [(f"instructions {number}", random_program(PARAMS, rng)) for number in range(WRITTEN)]
    found += directed(PARAMS)
    cases_ = [Case(name, one.memory, one.start, one.commands, _memory(rng)) for name, one in found]
    return [raised(case, int(rng.integers(1 << 20)) << 12) if number % 2 else case
            for number, case in enumerate(cases_)]  # fmt: skip


def _limits(case: Case) -> list[Case]:
    """A memory that never answers, and every bit of TIMEOUT and BUDGET."""
    case, found = dataclasses.replace(case, behaviour=Memory(dead=True)), []
    for bit in range(8, 32):
        soon = (1 << bit) + 50
        found += [dataclasses.replace(case, name=f"a limit of {soon}", timeout=soon, budget=300),
                  dataclasses.replace(case, name=f"a budget of {soon}", budget=soon, timeout=200)]
    return found


def _long() -> list[Case]:
    """Programs whose counts have many bits."""
    return [Case(name, one.memory, one.start, one.commands, Memory(latency_cycles=1))
            for name, one in long(PARAMS)]  # fmt: skip


def others() -> Graph:
    """What the first network has not: functions of one byte behind the array, and more pairs."""
    net = networks.Builder(np.random.default_rng(13), (9, 8, 5))
    net.conv(7, (3, 3), padding=(1, 1, 1, 1)).table().conv(6).table()
    before = net.last
    net.conv(6, (3, 3), padding=(1, 1, 1, 1)).extreme(before, Min).add(before, Sub).extreme(before)
    net.conv(9, (3, 3)).table().pool("max", (2, 2), (2, 2), padding=(1, 1, 1, 1))
    return net.conv(5).table().pool("avg", (2, 2), (1, 1)).graph()


def drawn(kind: str, draw, count: int, rng) -> list[Case]:
    """Networks that the machine takes, each for up to three images."""
    found = []
    while len(found) < count:
        net, batch = draw(rng), 1 + int(rng.integers(3))
        try:
            found.append(case_of(f"{kind} {len(found)}", net, rng, _memory(rng), batch)[1])
        except CompileError:
            continue
    return found


def _moved(case: Case) -> Case:
    """The same program, BASE bytes further up in memory."""
    memory = np.concatenate([np.zeros(BASE, np.uint8), case.memory])
    return dataclasses.replace(case, name="elsewhere in memory", memory=memory, base=BASE,
                               behaviour=Memory(latency_cycles=3))  # fmt: skip


def raised(case: Case, by: int) -> Case:
    """The same program with all its addresses higher, and BASE that lowers them again."""
    memory = case.memory.copy()
    for at in _commands(case):
        op, values = unpack(memory[at : at + COMMAND_BYTES].tobytes())
        if "src" in values and values.get("inner", 1):
            values["src"] += by
        if "mark" in values:
            values["mark_addr"] += by * values["mark"]
            values["dst"] += by * (not values["near"])
        memory[at : at + COMMAND_BYTES] = np.frombuffer(pack(op, **values), np.uint8)
    return dataclasses.replace(
        case, name=f"raised {case.name}", memory=memory, start=case.start + by,
        base=-by % (1 << 32),
    )  # fmt: skip


def _wild(program: Program, case: Case, number: int) -> Case:
    """The same shapes with numbers that no network has: weights, biases, factors, shifts."""
    rng = np.random.default_rng([11, number])
    memory = case.memory.copy()
    for address, size in {record for layer in program.layers for record in layer.records}:
        # Of some all bytes, of others few: most biases and shifts stay what they can be.
        other = rng.random(size) < (1, 0.1, 0.02)[number % 3]
        memory[address : address + size][other] = rng.integers(256, size=int(other.sum()))
    rounding, pool_rounding = rng.integers(len(Rounding), size=2)
    bounds = [sorted(int(value) for value in rng.integers(-128, 128, 2)) for _ in range(2)]
    for at in _commands(case):
        op, values = unpack(memory[at : at + COMMAND_BYTES].tobytes())
        if op is Op.POST:
            values |= {"rounding": rounding, "pool_rounding": pool_rounding}
        if op is Op.WINDOW and values["mode"] not in (WindowMode.MAC, WindowMode.MIN):
            values |= _factors(rng, values)
        if op in (Op.POST, Op.WINDOW):
            low, high = bounds[op is Op.POST] if number % 2 else (-128, 127)
            values |= {"lo": low, "hi": high, "out_zero": int(rng.integers(-128, 128))}
        if op is Op.POST:
            values["out_zero"] = number - 8
        memory[at : at + COMMAND_BYTES] = np.frombuffer(pack(op, **values), np.uint8)
    return dataclasses.replace(case, name=f"wild {case.name} {number}", memory=memory)


def _factors(rng, values: dict[str, int]) -> dict[str, int]:
    """Any factors and shifts that a WINDOW of its mode may have."""
    found = {"multiplier": int(rng.integers(1 << 31)), "shift": int(rng.integers(-31, 31)),
             "rounding": int(rng.choice(Rounding))}  # fmt: skip
    if found["rounding"] in FLOATS:
        found["multiplier"] = (found["multiplier"] >> 1 | 1 << 30) & -128
    if values["mode"] in (WindowMode.ADD, WindowMode.SUB):
        for operand in "ab":
            found |= {f"{operand}_multiplier": int(rng.integers(1 << 31)),
                      f"{operand}_shift": int(rng.integers(-31, 1))}  # fmt: skip
        found["offset"] = int(rng.integers(-128, 128)) if found["b_shift"] >= -22 else 0
    return found


def _commands(case: Case) -> range:
    """Where a program's commands lie, of one that is not raised."""
    return range(case.start, case.start + case.commands * COMMAND_BYTES, COMMAND_BYTES)


def _broken(case: Case, number: int) -> Case:
    """One field of a command is any value, often at an end, or another bit; then no more."""
    rng = np.random.default_rng([9, number])
    memory, firsts = case.memory.copy(), {}
    for at in _commands(case):
        firsts.setdefault(int(memory[at]), at)
    at = list(firsts.values())[number % len(firsts)]
    command = int.from_bytes(memory[at : at + COMMAND_BYTES].tobytes(), "little")
    fields = FIELDS[unpack(memory[at : at + COMMAND_BYTES].tobytes())[0]]
    field = fields[int(rng.integers(len(fields)))]
    most = (1 << field.width) - 1
    value = int(rng.choice([0, 1, most, most >> 1, 1 << field.width - 1, rng.integers(most + 1)]))
    command ^= ((command >> field.low & most) ^ value) << field.low
    if rng.random() < 0.1:
        command ^= 1 << int(rng.integers(8 * COMMAND_BYTES))
    memory[at : at + COMMAND_BYTES] = np.frombuffer(
        command.to_bytes(COMMAND_BYTES, "little"), np.uint8
    )
    return dataclasses.replace(case, name=f"a broken command {number}", memory=memory,
                               commands=1 + (at - case.start) // COMMAND_BYTES)  # fmt: skip


def right(case: Case) -> bool:
    """Whether a run left the golden model's bytes, of the first case's network."""
    net = graph()
    program = compile_graph(net, PARAMS, 1)
    given = {port.tensor: program.tensors[port.tensor].view(cases()[0].memory)
             for port in net.inputs}  # fmt: skip
    output = net.outputs[0].tensor
    wanted = golden.run(net, {name: np.ascontiguousarray(value) for name, value in given.items()})
    return bool(np.array_equal(program.tensors[output].view(case.memory), wanted[output]))
