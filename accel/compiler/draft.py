"""The layers of one step: how they are cut, what stays on the chip, and all their commands."""

from accel.compiler import (
    add_lower,
    allocate,
    deep,
    early,
    near,
    near_lower,
    order,
    schedule,
    weave,
    weights,
    window_lower,
)
from accel.compiler.fed import Fed
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.lower import Lowering
from accel.compiler.mapping import Mapping
from accel.compiler.near_tail import Tail
from accel.compiler.ready import Ready
from accel.compiler.stream import ARRAY, BESIDE, Stream
from accel.isa import RECORD_BYTES
from accel.params import Params
from accel.program import Layer, Placement


class Draft:
    """The layers of one step, with their weights and completion records placed.

    Parameters:
        layers: in order.
        context: what they are compiled for.
        mapping: how they are cut.
        memory: gives room for weights and records.
        plain: by name, what layers would be without tensors by channel groups.
    """

    def __init__(
        self, layers: list, context: Context, mapping: Mapping, memory: allocate.Memory,
        plain: dict[str, MachineLayer],
    ):
        self._layers, self._params = layers, context.params
        params = context.params
        self.records: list[tuple[int, weights.Record]] = []
        self._tilings = [mapping.of(layer, params, plain.get(layer.name)) for layer in layers]
        order.ordered(context, layers, self._tilings)
        self._pairs = near.pairs(context, layers, self._tilings) if mapping.near else {}
        self._tails = near.tails(layers, self._pairs)
        #: The layers whose results stay on the chip.
        self._near = set()
        for number, pair in self._pairs.items():
            self._near |= {number, number + 1} if pair.feeds else {number}
        taken = {number + more for number, pair in self._pairs.items()
                 for more in range(3 if pair.feeds else 2)}  # fmt: skip
        if mapping.near:
            early.begin(context, layers, self._tilings, taken)
        self._runs = deep.runs(context, layers, self._tilings, taken) if mapping.near else set()
        taken |= {number + more for number in self._runs for more in range(deep.COUNT)}
        self._woven = weave.pairs(context, layers, self._tilings, taken)
        self._addresses, self._sizes = [], {}
        for layer, tiling in zip(layers, self._tilings, strict=True):
            where = {}
            for key, record in _weights(layer, tiling, params):
                where[key] = memory.take(record.size)
                self._sizes[where[key]] = record.size
                self.records.append((where[key], record))
            self._addresses.append(where)
        self._marks = [memory.take(RECORD_BYTES) for _ in layers]
        self._counts: list[tuple[int, int, int]] = []

    def lower(self, ready: dict[str, Ready], tensors: dict[str, Placement]) -> list:
        """All commands in program order."""
        stream = Stream(self._params)
        number, fed = 0, None
        while number < len(self._layers):
            if pair := self._pairs.get(number):
                last = number + (2 if pair.follower else 1)
                tail = self._tail(number, stream, ready, tensors)
                fed = self._lower_pair(pair, number, last, stream, ready, tensors, fed, tail)
                number = last + (2 if tail else 1)
            elif number in self._runs and self._lower_run(number, stream, ready, tensors):
                number += deep.COUNT
            else:
                both = [number, number + 1] if number in self._woven and not fed else [number]
                self._lower(both, stream, ready, tensors, fed)
                number, fed = number + len(both), None
        for number, mark in enumerate(self._marks):
            self._counts.append(stream.mark(number, mark))
        return schedule.order(stream)

    def _lower_pair(
        self, pair: near.Pair, number: int, last: int, stream: Stream, ready, tensors,
        fed: Fed | None, tail: Tail | None,
    ) -> Fed | None:
        """Add the commands of the layers from ``number`` to ``last``, which stay on the chip.

        ``fed``: the first's input if that is there, too.  Returns the next layer's, likewise.
        ``tail``: an addition behind them.
        """
        layers, following = self._layers[number : last + 1], None
        if pair.feeds:
            reader = self._layers[number + 2]
            once = pair.follower and pair.together == len(layers[0].slices[0].groups)
            rows = pair.follower.height if once else reader.rows.size
            following = Fed(stream, reader, rows)
        view, output = layers[0].view.tensor, layers[-1].output
        source = None if fed else (tensors[view], ready[view])
        target = (tensors[output], ready[output]) if output in tensors else None
        near_lower.Chain(
            pair, number, layers, stream, source, target, self._addresses[number : last + 1], fed,
            following, tail,
        ).run()
        return None if pair.follower else following

    def _tail(self, number: int, stream: Stream, ready, tensors) -> Tail | None:
        """The addition whose blocks come between the windows of the chain from ``number`` on."""
        if number not in self._tails:
            return None
        layer = self._layers[number + 3]
        sources = [(tensors[view.tensor], ready[view.tensor]) for view in layer.views]
        target = tensors[layer.output], ready[layer.output]
        if not add_lower.linear(layer, self._params, sources, target):
            return None
        addition = add_lower.Addition(layer, stream, sources, target)
        tail = Tail(addition, (number + 1, number + 3), stream)
        return tail if tail.pays else None

    def _lower_run(self, number: int, stream: Stream, ready, tensors) -> bool:
        """Add the commands of layers that go by rows, unless their tensors lie otherwise."""
        layer = self._layers[number + 1]
        sources = [(tensors[view.tensor], ready[view.tensor]) for view in layer.views]
        target = tensors[layer.output], ready[layer.output]
        if not add_lower.linear(layer, self._params, sources, target):
            return False
        lowerings = [self._lowering(number + more, stream, ready, tensors) for more in (0, 2, 3)]
        addition = add_lower.Addition(layer, stream, sources, target)
        deep.lower(lowerings, addition, number, stream)
        return True

    def _lowering(self, number: int, stream: Stream, ready, tensors) -> Lowering:
        """An array's layer from memory to memory."""
        layer = self._layers[number]
        source, target = (
            (tensors[name], ready[name]) for name in (layer.view.tensor, layer.output)
        )
        return Lowering(
            layer, self._tilings[number], stream, source, target, self._addresses[number]
        )

    def _lower(self, numbers: list[int], stream: Stream, ready, tensors, fed: Fed | None) -> None:
        """Add the commands of a layer, whose input may be ``fed``, or of two in turn."""
        lowerings = {}
        for number in numbers:
            layer, where, tilings = (
                every[number] for every in (self._layers, self._addresses, self._tilings)
            )
            stream.works_for(_unit(layer), number)
            views = [] if fed else [view.tensor for view in layer.views]
            sources = [(tensors[name], ready[name]) for name in views]
            target = tensors[layer.output], ready[layer.output]
            if isinstance(layer, MachineLayer):
                source = None if fed else sources[0]
                lowerings[number] = Lowering(
                    layer, tilings, stream, source, target, where, fed=fed
                )
            else:
                window_lower.lower(layer, stream, sources, target, where, tilings)
        weave.lower(lowerings, stream)

    @property
    def machine_layers(self) -> list:
        """The layers, in order."""
        return self._layers

    @property
    def tilings(self) -> list:
        """How each is cut."""
        return self._tilings

    @property
    def stored(self) -> list[str]:
        """The tensors that its layers store in memory."""
        return [
            layer.output for number, layer in enumerate(self._layers) if number not in self._near
        ]

    def layers(self, offset: int) -> tuple[Layer, ...]:
        """What a report needs of the layers; data addresses move up by ``offset``."""
        return tuple(
            Layer(
                name=layer.name,
                op=layer.op,
                nodes=layer.nodes,
                output=layer.output,
                macs=layer.macs,
                bytes_read=read,
                bytes_written=written,
                busy_cycles=busy,
                mark_addr=mark + offset,
                unit=_unit(layer),
                records=tuple((where[key] + offset, self._sizes[where[key]]) for key in where),
                near=number in self._near,
            )
            for number, (layer, (read, written, busy), mark, where) in enumerate(
                zip(self._layers, self._counts, self._marks, self._addresses, strict=True)
            )
        )


def _unit(layer) -> str:
    """Who computes a layer."""
    return ARRAY if isinstance(layer, MachineLayer) else BESIDE


def _weights(layer, tiling, params: Params):
    """The weight records of a layer, by what :class:`Lowering` or the window unit call them."""
    if not isinstance(layer, MachineLayer):
        yield from enumerate(window_lower.records(layer, params))
        return
    for number, part in enumerate(layer.slices):
        for index, group in enumerate(part.groups):
            kernels = weights.group_kernels(layer, part, group, tiling[number])
            yield (number, index), weights.record(group, kernels, params)
