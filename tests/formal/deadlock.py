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


class Command:
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


class State:
    """Any state of the machine with a program, reachable or not.

    Attributes:
        fetched: commands that are in a queue, at work or finished.
        done: finished ones by engine, which are always its first.
        streamed, used: tiles of the WEIGHTS and of the EXEC that are at work.
        pending: commands in each engine's queue.
        fifo: tiles in the weight FIFO.
    """

    def __init__(self, commands):
        self.commands = commands
        self.fetched, self.streamed, self.used = map(z3.Int, ("fetched", "streamed", "used"))
        self.done = [z3.Int(f"done{engine}") for engine in ENGINES]
        given = [z3.IntVal(place) < self.fetched for place in range(len(commands))]
        number = [_count(other.engine == one.engine for other in commands[:place])
                  for place, one in enumerate(commands)]  # fmt: skip
        done_of = [z3.Sum([z3.If(one.of(engine), self.done[engine], 0) for engine in ENGINES])
                   for one in commands]  # fmt: skip
        self.finished = [mine < done for mine, done in zip(number, done_of, strict=True)]
        self.head = [z3.And(there, mine == done)
                     for there, mine, done in zip(given, number, done_of, strict=True)]  # fmt: skip
        self.pending = [
            _count(z3.And(one.of(engine), there)
                   for one, there in zip(commands, given, strict=True)) - self.done[engine]
            for engine in ENGINES
        ]  # fmt: skip
        self.fifo = self._tiles(WEIGHTS) + self.streamed - self._tiles(EXEC) - self.used

    def _tiles(self, engine: int):
        """Tiles of an engine's finished commands."""
        return z3.Sum([z3.If(z3.And(one.of(engine), over), one.tiles, 0)
                       for one, over in zip(self.commands, self.finished, strict=True)])

    def _finished(self, condition):
        """How many finished commands are such."""
        return _count(z3.And(condition(one), over)
                      for one, over in zip(self.commands, self.finished, strict=True))  # fmt: skip

    def possible(self, machine: Machine) -> list:
        """Queues and FIFO hold no more than there is room for, and what is at work is not over."""
        at_work = zip(self.commands, self.head, strict=True)
        return [
            self.fetched >= 0, self.fetched <= len(self.commands), self.streamed >= 0,
            self.used >= 0, self.fifo >= 0, self.fifo <= machine.fifo,
            z3.Implies(self.pending[WEIGHTS] == 0, self.streamed == 0),
            z3.Implies(self.pending[EXEC] == 0, self.used == 0),
            *(z3.And(count >= 0, count <= machine.queue) for count in self.pending),
            *(count >= 0 for count in self.done),
            *(z3.Implies(head, z3.And(z3.Implies(one.of(WEIGHTS), self.streamed < one.tiles),
                                      z3.Implies(one.of(EXEC), self.used < one.tiles)))
              for one, head in at_work),
        ]  # fmt: skip

    def can_move(self, place: int, machine: Machine):
        """Whether a command at the head of its queue can do something, behind those before it."""
        one, before = self.commands[place], Listed(self.commands[:place])
        posted = self._finished(lambda other: other.block)
        ended = self._finished(lambda other: z3.And(other.of(EXEC), other.last))
        macs = self._finished(lambda other: z3.And(other.of(WINDOW), other.mac))
        return z3.And(
            *(wait <= count for wait, count in zip(one.waits, self.done, strict=True)),
            z3.Implies(one.of(WEIGHTS), z3.And(posted > before.weights - PARAM_SLOTS,
                                               self.fifo < machine.fifo)),
            z3.Implies(one.of(EXEC), self.fifo > 0),
            z3.Implies(z3.And(one.of(EXEC), one.first), posted >= before.begun - BANKS + 1),
            z3.Implies(one.block, ended > before.posted),
            z3.Implies(one.of(WPARAM), macs > before.records - WINDOW_SLOTS),
            z3.Implies(z3.And(one.of(WINDOW), one.mac), self.done[WPARAM] > before.macs),
        )  # fmt: skip

    def at_rest(self, machine: Machine) -> list:
        """Commands are left, and neither the fetcher nor any engine can move."""
        full = [count >= machine.queue for count in self.pending]
        return [
            z3.Not(z3.And(self.finished)),
            *(z3.Implies(head, z3.Not(self.can_move(place, machine)))
              for place, head in enumerate(self.head)),
            *(z3.Implies(self.fetched == place,
                         z3.Or([z3.And(one.of(engine), full[engine]) for engine in ENGINES]))
              for place, one in enumerate(self.commands)),
        ]  # fmt: skip


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
        commands = [Command(place) for place in range(bug.length)]
        solver, state = z3.Solver(), State(commands)
        solver.add(*programs(commands, self.machine, bug.says))
        solver.add(*state.possible(self.machine), *state.at_rest(self.machine))
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
