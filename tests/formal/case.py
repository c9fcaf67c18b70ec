"""What a proof is: of which block, by which claims, and the planted bugs that they refute."""

import dataclasses
from collections.abc import Callable

from tests.formal.planted import planted
from tests.formal.prove import Proof, prove, search
from tests.formal.structure import prove_apart


@dataclasses.dataclass(frozen=True)
class Bug:
    """A bug: ``old`` in the block's file becomes ``new``.

    It shows in so many ``cycles``, with these ``options`` of the case's ``build`` if it needs any.
    The file is that of the block ``within`` the case's, if it says one.
    """

    says: str
    old: str
    new: str
    cycles: int = 8
    options: dict = dataclasses.field(default_factory=dict)
    within: Callable | None = None

    def planted(self, block: Callable) -> Callable:
        """The block with the bug."""
        return planted(block, self.old, self.new, self.within)


@dataclasses.dataclass(frozen=True)
class Case:
    """A proof.

    Attributes:
        name: of this proof.
        of: the block, a class or a function.
        build: makes the design that asserts, of the block.
        options: more arguments of ``build``.
        depth: cycles of the induction.  cover: see prove().
        campaign: it takes too long for every day.
        timeout: seconds for each run of a tool.
        bugs: what must be found.
    """

    name: str
    of: Callable
    build: Callable
    options: dict = dataclasses.field(default_factory=dict)
    depth: int = 1
    cover: int = 12
    campaign: bool = False
    timeout: float = 120
    bugs: tuple[Bug, ...] = ()

    @property
    def says(self) -> str:
        """The property in words."""
        return self.build.__doc__.partition("\n")[0]

    @property
    def method(self) -> str:
        """How it is proved."""
        return f"induction, k = {self.depth}"

    def prove(self) -> Proof:
        """Prove it, or raise."""
        return prove(
            self.build(self.of, **self.options), self.depth, cover=self.cover, timeout=self.timeout
        )

    def look_for(self, bug: Bug) -> None:
        """Raise Refuted if the block with the bug breaks an assertion."""
        of = bug.planted(self.of)
        search(self.build(of, **self.options | bug.options), bug.cycles, timeout=self.timeout)


@dataclasses.dataclass(frozen=True)
class Apart:
    """A proof that outputs of a block do not follow inputs in the same cycle.

    Attributes:
        of: the block, and ``arguments`` to make it.
        causes, effects: see prove_apart().
    """

    name: str
    says: str
    of: Callable
    arguments: tuple
    causes: Callable
    effects: Callable
    bugs: tuple[Bug, ...] = ()
    campaign: bool = False
    method: str = "netlist"

    def prove(self) -> Proof:
        """Prove it, or raise."""
        return prove_apart(self.of(*self.arguments), self.causes, self.effects)

    def look_for(self, bug: Bug) -> None:
        """Raise Refuted if the block with the bug has such a path."""
        of = bug.planted(self.of)
        prove_apart(of(*self.arguments), self.causes, self.effects)
