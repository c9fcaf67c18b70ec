"""The host's parts of a TFLite network: what the machine does not compute, cut out as models.

An operator that its handler refuses is *claimed*.  What it makes in int8 or uint8, the machine may
go on with; everything else is ``Elsewhere``, and so is what is computed from that.  How parts grow
from there is accel/frontend/parts.py.  LiteRT computes them with its reference kernels, operator by
operator, so a part gives the bytes that the whole file would.
"""

import math

from accel import litert
from accel.frontend.errors import ModelError
from accel.frontend.parts import Cutter, Part
from accel.frontend.tflite.build import Builder
from accel.frontend.tflite.file import NUMBERS
from accel.frontend.tflite.macs import macs
from accel.frontend.tflite.values import Elsewhere, Sizes
from accel.frontend.tflite.view import View
from accel.frontend.tflite.writing import write
from accel.graph.ir import External, Port, Tensor
from accel.graph.ports import HOST_DTYPES

#: Operators that are parts of no static network.
_STATE = "a state that lasts from image to image"
REFUSED = {
    "IF": "control flow", "WHILE": "control flow", "CALL": "control flow",
    "CALL_ONCE": "control flow", "STABLEHLO_WHILE": "control flow",
    "STABLEHLO_COMPOSITE": "control flow", "STABLEHLO_REDUCE": "control flow",
    "VAR_HANDLE": _STATE, "READ_VARIABLE": _STATE, "ASSIGN_VARIABLE": _STATE, "HASHTABLE": _STATE,
    "HASHTABLE_FIND": _STATE, "HASHTABLE_IMPORT": _STATE, "HASHTABLE_LOOKUP": _STATE,
    "HASHTABLE_SIZE": _STATE, "RNN": _STATE, "LSTM": _STATE, "SVDF": _STATE,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _STATE, "UNIDIRECTIONAL_SEQUENCE_RNN": _STATE,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _STATE, "BIDIRECTIONAL_SEQUENCE_RNN": _STATE,
    "RANDOM_UNIFORM": "random numbers", "RANDOM_STANDARD_NORMAL": "random numbers",
    "MULTINOMIAL": "random numbers", "STABLEHLO_RNG_BIT_GENERATOR": "random numbers",
}  # fmt: skip
#: Operators of no builtin kind that LiteRT has kernels for.
CUSTOM = ("TFLite_Detection_PostProcess", "AudioSpectrogram", "Mfcc", "NumericVerify")
#: What a part's name leaves out: conversions at its ends, and what only moves elements.
_PLAIN = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST", "RESHAPE", "TRANSPOSE", "SQUEEZE",
                    "EXPAND_DIMS", "SHAPE"})  # fmt: skip


class Parts(Cutter):
    """Collects the host's parts of one import; values are known by their tensors' indices."""

    def __init__(self, builder: Builder):
        self._builder, self._contents = builder, builder.contents
        super().__init__(builder.nodes, {index: operator.index
                                         for index, operator in builder.maker.items()})
        self._constant: set[int] = set()
        self._reasons: dict[int, str] = {}

    def claim(self, view: View, reason: str) -> None:
        """Give the host an operator.

        Raises:
            ModelError: the host cannot compute it either.
        """
        operator, values = view.operator, self._builder.values
        self._check(view)
        self._reasons[operator.index] = reason
        for index in operator.outputs:
            values[index] = Elsewhere()
        if all(index in self._constant for index in self._sources(operator.index)):
            self._constant.update(operator.outputs)
            return
        for index in operator.outputs:
            try:
                values[index] = self._builder.activation(index)
            except ModelError:
                continue  # no bytes that the machine could read
            self.write(index, self._known_port(index))

    def input(self, index: int) -> None:
        """Make a network input the host's, if nothing else has read it so far."""
        if not self._builder.ports[index]:
            self._builder.ports[index].append(self._host_port(index))

    def output(self, index: int) -> Port:
        """The port of a network output that the host computes."""
        if index not in self._maker or index in self._constant:
            raise ModelError(f"{self._builder.file}: output {self._builder.title(index)}: must be "
                             "computed from the input, not constant or missing")
        return self.write_values(index)

    def finish(self, outputs) -> None:
        """Put the finished parts into the graph, without what none of its ``outputs`` needs."""
        if any(isinstance(node, Part) for node in self._made):
            self.finished(outputs, self._external)

    def _check(self, view: View) -> None:
        """Refuse what nobody can compute image by image."""
        operator = view.operator
        if operator.op in REFUSED:
            raise view.error(f"a network with {REFUSED[operator.op]} is not a static one: export "
                             "it without (unrolled, or for one case)")
        if operator.op.startswith("number "):
            raise view.error("the operator must be one that this version's schema knows")
        if operator.kind and operator.kind not in CUSTOM:
            hint = (" (convert it without TensorFlow's own operators)"
                    if operator.kind.startswith("Flex") else "")
            raise view.error(f"a custom operator must be one that LiteRT brings along, one of "
                             f"{', '.join(CUSTOM)}, not {operator.kind!r}{hint}")
        for at, index in enumerate(operator.inputs):
            if index != -1 and view.record(at).data is None:
                view.value(at)
        view.require(len(operator.outputs) > 0, "must have outputs", 0)
        view.require(len(set(operator.outputs)) == len(operator.outputs),
                     "outputs must be different tensors", list(operator.outputs))
        for number in range(len(operator.outputs)):
            view.made(number)
        self._check_types(view)

    def _check_types(self, view: View) -> None:
        """Refuse an operator on what is no number."""
        operator = view.operator
        for index in (*operator.inputs, *operator.outputs):
            if index != -1:
                dtype = self._contents.tensors[index].dtype
                view.require(dtype in NUMBERS, f"{self._builder.title(index)} must hold numbers",
                             dtype)

    # -- what leads where

    def _sources(self, number: int) -> list[int]:
        tensors = self._contents.tensors
        return [index for index in self._contents.operators[number].inputs
                if index != -1 and tensors[index].data is None]

    def _repeats(self, number: int) -> bool:
        operator = self._contents.operators[number]
        return operator.op == "DEQUANTIZE" or all(map(self._copied, operator.outputs))

    def _outside(self, key: int) -> bool:
        return key not in self._maker

    def _copied(self, key: int) -> bool:
        return key in self._constant or isinstance(self._builder.values.get(key), Sizes)

    def _tensor(self, key: int) -> str | None:
        value = self._builder.values.get(key)
        return value.name if isinstance(value, Tensor) else None

    def _known_port(self, key: int) -> Port:
        value, record = self._builder.values[key], self._contents.tensors[key]
        if isinstance(value, Tensor):
            return Port(self._builder.names[key], value.name, record.shape[1:], "HWC",
                        record.dtype)
        ports = self._builder.ports[key]
        known = [port for port in ports if self._builder.tensors[port.tensor].dtype != "int8"
                 or port.layout == "N"]  # fmt: skip
        if not known:
            known.append(self._host_port(key))
            ports.append(known[0])
        return known[0]

    def _host_port(self, key: int) -> Port:
        builder, record = self._builder, self._contents.tensors[key]
        where, dims = f"{builder.file}: {builder.title(key)}", record.shape
        if record.dtype not in HOST_DTYPES and record.dtype != "int8":
            raise ModelError(f"{where}: what leaves an operator for another must be of a type of "
                             f"{sorted(HOST_DTYPES)} or int8, not {record.dtype}")
        builder.check_dimensions(key)
        batched = len(dims) > 0 and dims[0] == 1
        shape = tuple(dims[1:] if batched else dims)
        like = Tensor("", (1, 1, math.prod(shape)), 1.0, 0, record.dtype)
        tensor = builder.extra(f"{builder.names[key]}/host", like)
        return Port(builder.names[key], tensor.name, shape, "N", record.dtype, batched=batched)

    # -- making models

    def _try(self, view: View, reason: str, model: bytes, writes: dict[int, Port]) -> None:
        """Have LiteRT prepare a part, where it is installed, to hear at once what it refuses."""
        try:
            shapes = litert.Interpreter(model).shapes
        except litert.LiteRTMissingError:
            return
        except litert.LiteRTError as error:
            raise view.error(f"{reason}, and the host cannot: {error}") from None
        for key, shape in zip(writes, shapes, strict=True):
            view.require(shape == self._contents.tensors[key].shape,
                         f"output {self._builder.title(key)} must have shape {list(shape)} as "
                         f"LiteRT computes it", list(self._contents.tensors[key].shape))

    def _external(self, part: Part, needed: set[str]) -> External:
        writes = {key: port for key, port in part.writes.items() if port.tensor in needed}
        operators = [self._contents.operators[number] for number in sorted(part.nodes)]
        main = [one for one in operators if one.op not in _PLAIN] or operators
        names = [View(self._builder, one).name for one in main]
        claimed = next((one for one in operators if one.index in self._reasons), main[0])
        reason = self._reasons.get(claimed.index, "")
        records = {record.index: record for record in self._contents.tensors}
        for one in operators:
            self._check_types(View(self._builder, one))
        model = write(records, operators, list(part.reads), list(writes))
        view = View(self._builder, claimed)
        view.spend(len(model))
        self._try(view, reason, model, writes)
        return External(
            names[0] if len(main) == 1 else f"{names[0]} .. {names[-1]}",
            main[0].op.lower() if len(main) == 1 else f"host ({len(main)} operators)",
            tuple(part.reads.values()), tuple(writes.values()), "litert", model,
            sum(macs(one, self._contents.tensors) for one in operators), reason,
        )
