"""No program of the listed form can deadlock: for every list of so many commands, by Z3.

Not of a netlist but of the machine at rest: what has been fetched, what each engine has finished,
which tiles are in the weight FIFO.  Z3 is asked for a program of the form that accel/isa.py demands
(tests/support/listing.py checks it of real ones), with any opcodes, waits and numbers of tiles,
and for any state, reachable or not, in which commands are left and nothing can move.  There is
none; without one of the rules there is.  Longer programs are the argument's matter
(accel/compiler/schedule.py).
"""

import dataclasses
import time

import z3

from accel.params import PARAM_SLOTS
from tests.formal.prove import Proof, Refuted

ENGINES = LOAD, WEIGHTS, EXEC, POST, WLOAD, WPARAM, WINDOW = range(7)
#: Records of parameters that the window unit holds; accumulator banks.
WINDOW_SLOTS, BANKS = 2, 2


@dataclasses.dataclass(frozen=True)
class Machine:
    """What limits how far ahead the machine works: tiles in the FIFO, commands in a queue.

    The command that an engine is at counts as one of its queue.
    """

    fifo: int = 2
    queue: int = 2
    most_tiles: int = 4


class _Command:
    """Any command: its engine, waits, and what is said of its block."""

    def __init__(self, place: int):
        self.engine = z3.Int(f"engine{place}")
        self.waits = [z3.Int(f"wait{place}_{name}") for name in ENGINES]
        self.first, self.last, self.mac, self.table = (
            z3.Bool(f"{name}{place}") for name in ("first", "last", "mac", "table")
        )
        self.tiles = z3.Int(f"tiles{place}")

    def of(self, engine: int):
        return self.engine == engine

    @property
    def block(self):
        """A POST that takes a bank; the others of its engine are tables."""
        return z3.And(self.of(POST), z3.Not(self.table))


def _count(conditions):
    """How many of the conditions hold."""
    return z3.Sum([z3.If(one, 1, 0) for one in conditions] or [z3.IntVal(0)])


class Listed:
    """How many of each kind are among some commands."""

    def __init__(self, commands):
        self.engine = [_count(one.of(engine) for one in commands) for engine in ENGINES]
        self.weights = self.engine[WEIGHTS]
        self.begun = _count(z3.And(one.of(EXEC), one.first) for one in commands)
        self.ended = _count(z3.And(one.of(EXEC), one.last) for one in commands)
        self.posted = _count(one.block for one in commands)
        self.records = self.engine[WPARAM]
        self.macs = _count(z3.And(one.of(WINDOW), one.mac) for one in commands)


#: The rules of the listed form, by a name: what must hold of a command behind those before it.
RULES = {
    "what is waited for": lambda one, before: z3.And(
        [wait <= count for wait, count in zip(one.waits, before.engine, strict=True)]),
    "nothing waits for WEIGHTS": lambda one, before: one.waits[WEIGHTS] == 0,
    "WEIGHTS behind the EXECs of the block before the last": lambda one, before: z3.Implies(
        one.of(WEIGHTS), before.ended >= before.weights - 1),
    "WEIGHTS behind the POST that frees a slot": lambda one, before: z3.Implies(
        one.of(WEIGHTS), before.posted > before.weights - PARAM_SLOTS),
    "EXEC behind its WEIGHTS": lambda one, before: z3.Implies(
        z3.And(one.of(EXEC), one.first), before.weights > before.begun),
    "EXEC behind the POST that frees its bank": lambda one, before: z3.Implies(
        z3.And(one.of(EXEC), one.first), before.posted >= before.begun - BANKS + 1),
    "POST behind its EXECs": lambda one, before: z3.Implies(
        one.block, before.ended > before.posted),
    "WPARAM behind the WINDOW that frees its slot": lambda one, before: z3.Implies(
        one.of(WPARAM), before.macs > before.records - WINDOW_SLOTS),
    "WINDOW behind its WPARAM": lambda one, before: z3.Implies(
        z3.And(one.of(WINDOW), one.mac), before.records > before.macs),
}  # fmt: skip


def programs(commands, machine: Machine, without: str = "") -> list:
    """What makes commands a program of the listed form, but for one rule."""
    found = []
    for place, one in enumerate(commands):
        before = Listed(commands[:place])
        found += [one.engine >= 0, one.engine < len(ENGINES), one.tiles >= 1,
                  one.tiles <= machine.most_tiles, *(wait >= 0 for wait in one.waits)]
        found += [rule(one, before) for name, rule in RULES.items() if name != without]
        # Blocks do not overlap: one begins where the one before has ended.
        found.append(z3.Implies(one.of(EXEC), one.first == (before.begun == before.ended)))
    # Every WEIGHTS has its block, whose EXECs use its tiles.
    whole = Listed(commands)
    found += [whole.ended == whole.weights, whole.begun == whole.weights]
    for block in range(len(commands)):
        given, used = _tiles_of(commands, block)
        found.append(given == used)
    return found


def _tiles_of(commands, block: int):
    """Tiles of a block's WEIGHTS, and of its EXECs."""
    given, used = [], []
    for place, one in enumerate(commands):
        before = Listed(commands[:place])
        given.append(z3.If(z3.And(one.of(WEIGHTS), before.weights == block), one.tiles, 0))
        used.append(z3.If(z3.And(one.of(EXEC), before.ended == block), one.tiles, 0))
    return z3.Sum(given), z3.Sum(used)


def at_rest(commands, machine: Machine) -> list:
    """A state in which commands are left, and none can move."""
    fetched = z3.Int("fetched")
    done = [z3.Int(f"done{engine}") for engine in ENGINES]
    streamed, used = z3.Int("streamed"), z3.Int("used")  # tiles of the WEIGHTS and EXEC at work
    given = [z3.IntVal(place) < fetched for place in range(len(commands))]
    number = [
        z3.Sum([z3.If(other.engine == one.engine, 1, 0) for other in commands[:place]]
               or [z3.IntVal(0)])
        for place, one in enumerate(commands)
    ]
    finished = [
        z3.Or([z3.And(one.of(engine), number[place] < done[engine]) for engine in ENGINES])
        for place, one in enumerate(commands)
    ]
    head = [
        z3.And(given[place],
               z3.Or([z3.And(one.of(engine), number[place] == done[engine]) for engine in ENGINES]))
        for place, one in enumerate(commands)
    ]  # fmt: skip

    def tiles(engine, which):
        return z3.Sum([z3.If(z3.And(one.of(engine), which[place]), one.tiles, 0)
                       for place, one in enumerate(commands)])  # fmt: skip

    def finished_of(condition):
        return _count(z3.And(condition(one), finished[place])
                      for place, one in enumerate(commands))  # fmt: skip

    fifo = tiles(WEIGHTS, finished) + streamed - tiles(EXEC, finished) - used
    posted = finished_of(lambda one: one.block)
    ended = finished_of(lambda one: z3.And(one.of(EXEC), one.last))
    macs = finished_of(lambda one: z3.And(one.of(WINDOW), one.mac))
    pending = [
        _count(z3.And(one.of(engine), given[place]) for place, one in enumerate(commands))
        - done[engine]
        for engine in ENGINES
    ]
    found = [
        fetched >= 0, fetched <= len(commands), z3.Not(z3.And(finished)), fifo >= 0,
        fifo <= machine.fifo, streamed >= 0, used >= 0,
        z3.Implies(pending[WEIGHTS] == 0, streamed == 0), z3.Implies(pending[EXEC] == 0, used == 0),
        *(count >= 0 for count in (*done, *pending)),
        *(count <= machine.queue for count in pending),
    ]
    for place, one in enumerate(commands):
        before = Listed(commands[:place])
        waits = z3.And([wait <= count for wait, count in zip(one.waits, done, strict=True)])
        can = z3.And(
            waits,
            z3.Implies(one.of(WEIGHTS), z3.And(posted > before.weights - PARAM_SLOTS,
                                               fifo < machine.fifo)),
            z3.Implies(one.of(EXEC), z3.And(
                fifo > 0, z3.Implies(one.first, posted >= before.begun - BANKS + 1))),
            z3.Implies(one.block, ended > before.posted),
            z3.Implies(one.of(WPARAM), macs > before.records - WINDOW_SLOTS),
            z3.Implies(z3.And(one.of(WINDOW), one.mac), done[WPARAM] > before.macs),
        )  # fmt: skip
        found += [
            z3.Implies(head[place], z3.Not(can)),
            z3.Implies(z3.And(head[place], one.of(WEIGHTS)), streamed < one.tiles),
            z3.Implies(z3.And(head[place], one.of(EXEC)), used < one.tiles),
            # The next command to be fetched finds its queue full.
            z3.Implies(fetched == place, z3.Or([
                z3.And(one.of(engine), pending[engine] >= machine.queue) for engine in ENGINES])),
        ]  # fmt: skip
    return found


@dataclasses.dataclass(frozen=True)
class Without:
    """A rule that is left out, and the length of a program that then stands still."""

    says: str
    length: int


@dataclasses.dataclass(frozen=True)
class Form:
    """A proof for all programs of so many commands."""

    length: int
    machine: Machine = Machine()
    campaign: bool = False
    bugs: tuple[Without, ...] = ()
    says = "A program of the listed form moves until it has ended, whatever state it is in."

    @property
    def name(self) -> str:
        """Of this proof."""
        return f"no deadlock, {self.length} commands"

    @property
    def method(self) -> str:
        """How it is proved."""
        return "Z3, all programs and states"

    def prove(self) -> Proof:
        """Prove it, or raise Refuted with a program that stands still."""
        begun = time.monotonic()
        self.look_for(Without("", self.length))
        return Proof(True, 0, 1, time.monotonic() - begun)

    def look_for(self, bug: Without) -> None:
        """Raise Refuted if programs that need not keep a rule can stand still."""
        commands = [_Command(place) for place in range(bug.length)]
        solver = z3.Solver()
        solver.add(*programs(commands, self.machine, bug.says), *at_rest(commands, self.machine))
        answer = solver.check()
        assert answer in (z3.sat, z3.unsat), solver.reason_unknown()
        if answer == z3.sat:
            raise Refuted(str(solver.model()))


#: That WEIGHTS come behind the POST that frees a slot follows from the others.
_RULES = (
    Without("what is waited for", 2),
    Without("nothing waits for WEIGHTS", 2),
    Without("EXEC behind its WEIGHTS", 2),
    Without("POST behind its EXECs", 2),
    Without("WINDOW behind its WPARAM", 2),
    Without("WPARAM behind the WINDOW that frees its slot", 3),
    Without("EXEC behind the POST that frees its bank", 6),
    Without("WEIGHTS behind the EXECs of the block before the last", 7),
)

FORMS = (Form(5, bugs=_RULES[:-1]), Form(8, campaign=True, bugs=_RULES))
