"""Which multiplier or block RAM sits where: seats near by at first, then shorter wires."""

import numpy as np

from accel.compiled import compiled
from accel.floorplan.grid import KINDS, Grid
from accel.floorplan.hypergraph import Hypergraph
from accel.floorplan.wire import half_perimeter, lengths

NOBODY = -1


class Seats:
    """The seats of an FPGA, and who has which.

    Attributes:
        of: each macro's seat.
    """

    def __init__(self, graph: Hypergraph, grid: Grid, seed: int):
        self._graph, self._seed = graph, seed
        seats = [(kind, seat) for kind, name in enumerate(KINDS) for seat in grid.seats(name)]
        self._bels = [seat.bel for _, seat in seats]
        self._kinds = np.array([kind for kind, _ in seats])
        self._xs = np.array([seat.x + 0.5 for _, seat in seats])
        self._ys = np.array([seat.y + 0.5 for _, seat in seats])
        self.of = np.empty(len(graph.macros), np.int64)
        for kind in range(len(KINDS)):
            mine = np.flatnonzero(graph.kinds == kind)
            self.of[mine] = np.flatnonzero(self._kinds == kind)[: len(mine)]

    @property
    def xs(self) -> np.ndarray:
        """Of each macro's seat, the column of its middle."""
        return self._xs[self.of]

    @property
    def ys(self) -> np.ndarray:
        """Of each macro's seat, the row of its middle."""
        return self._ys[self.of]

    def names(self) -> dict[str, str]:
        """Each macro's seat as nextpnr names it, by the cell's name."""
        cells = [self._graph.names[cell] for cell in self._graph.macros]
        return {cell: self._bels[seat] for cell, seat in zip(cells, self.of, strict=True)}

    def take_nearest(self, xs, ys) -> None:
        """Give each macro a seat near its place, those in many nets a nearer one.

        Two exchange seats as long as both together come nearer; random pairs do that as well
        as a search for the best of all.
        """
        graph = self._graph
        far = np.abs(xs[graph.macros][:, None] - self._xs)
        far += np.abs(ys[graph.macros][:, None] - self._ys)
        far *= graph.degrees[graph.macros][:, None]
        tries = 100 * far.size
        _exchange_nearer(far, graph.kinds, self._kinds, self.of, self._takers(), tries, self._seed)

    def shorten(self, xs, ys, hot: float, cold: float = 1.0, tries: int = 1_500_000) -> None:
        """Exchange seats for shorter wires, all other cells staying where they are.

        By annealing: a change that makes wires longer by d is made with probability exp(-d / t),
        and t falls from ``hot`` to ``cold``.
        """
        graph = self._graph
        xs, ys = xs.copy(), ys.copy()
        xs[graph.macros], ys[graph.macros] = self.xs, self.ys
        net = lengths(graph.starts, graph.pins, xs, ys)
        _anneal(
            graph.macros, graph.kinds, self._kinds, self._xs, self._ys, self.of, self._takers(),
            graph.starts, graph.pins, graph.macro_starts, graph.macro_nets, xs, ys, net,
            tries, hot, cold, self._seed,
        )  # fmt: skip

    def _takers(self):
        """Who sits on each seat."""
        takers = np.full(len(self._xs), NOBODY)
        takers[self.of] = np.arange(len(self.of))
        return takers


@compiled
def _exchange_nearer(far, kinds, seat_kinds, seat_of, takers, tries, seed):
    """Move macros to free seats and exchange them while the sum of ``far`` falls."""
    np.random.seed(seed)
    for _ in range(tries):
        macro, seat = np.random.randint(len(kinds)), np.random.randint(len(seat_kinds))
        old, other = seat_of[macro], takers[seat]
        if seat_kinds[seat] != kinds[macro] or other == macro:
            continue
        change = far[macro, seat] - far[macro, old]
        if other != NOBODY:
            change += far[other, old] - far[other, seat]
        if change < 0:
            _exchange(macro, other, seat, old, seat_of, takers)


@compiled
def _anneal(
    macros, kinds, seat_kinds, seat_xs, seat_ys, seat_of, takers,
    starts, pins, macro_starts, macro_nets, xs, ys, net, tries, hot, cold, seed,
):  # fmt: skip
    np.random.seed(seed)
    for step in range(tries):
        heat = hot * (cold / hot) ** (step / tries)
        macro, seat = np.random.randint(len(macros)), np.random.randint(len(seat_xs))
        old, other = seat_of[macro], takers[seat]
        if seat_kinds[seat] != kinds[macro] or other == macro:
            continue
        _sit(macros, macro, seat, seat_xs, seat_ys, xs, ys)
        _sit(macros, other, old, seat_xs, seat_ys, xs, ys)
        change = 0.0
        for who in (macro, other):
            for index in range(macro_starts[who], macro_starts[who + 1] if who != NOBODY else 0):
                number = macro_nets[index]
                change += half_perimeter(number, starts, pins, xs, ys) - net[number]
        if change <= 0 or np.random.random() < np.exp(-change / heat):
            _exchange(macro, other, seat, old, seat_of, takers)
            for who in (macro, other):
                end = macro_starts[who + 1] if who != NOBODY else 0
                for index in range(macro_starts[who], end):
                    number = macro_nets[index]
                    net[number] = half_perimeter(number, starts, pins, xs, ys)
        else:
            _sit(macros, macro, old, seat_xs, seat_ys, xs, ys)
            _sit(macros, other, seat, seat_xs, seat_ys, xs, ys)


@compiled
def _sit(macros, macro, seat, seat_xs, seat_ys, xs, ys):
    """Put a macro, if there is one, on a seat."""
    if macro != NOBODY:
        xs[macros[macro]], ys[macros[macro]] = seat_xs[seat], seat_ys[seat]


@compiled
def _exchange(macro, other, seat, old, seat_of, takers):
    seat_of[macro], takers[seat], takers[old] = seat, macro, other
    if other != NOBODY:
        seat_of[other] = old
