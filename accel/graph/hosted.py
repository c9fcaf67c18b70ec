"""A network's border, and what of it the host computes."""

import dataclasses

from accel.graph.tensors import OneInput


@dataclasses.dataclass(frozen=True)
class Softmax(OneInput):
    """Softmax over the channels, on the host.

    ``arithmetic`` "integer" is LiteRT's reference fixed-point softmax: int8 in, int8 out
    with scale 1/256 and zero point -128, the scaled difference being
    ``multiplier * 2**(shift - 31)``.  "table" is ONNX Runtime's, int8 in and out: exponentials from
    a float32 table.  "float" computes in float32 on dequantised values (the output tensor is
    float32, or int8 and then quantised again).
    """

    name: str
    input: str
    output: str
    arithmetic: str
    multiplier: int = 0
    shift: int = 0
    op: str = "softmax"


@dataclasses.dataclass(frozen=True)
class LocalResponse(OneInput):
    """Local response normalisation over ``size`` channels, on the host, in float32 on dequantised
    values: x / (bias + alpha / size * sum(x**2)) ** beta, quantised to the output tensor."""

    name: str
    input: str
    output: str
    size: int
    alpha: float
    beta: float
    bias: float
    op: str = "lrn"


@dataclasses.dataclass(frozen=True)
class Port:
    """A network input or output as its user sees it.

    ``shape`` is one image's shape without the batch dimension, in ``layout`` order ("CHW",
    "HWC" or "N" for flat); ``dtype`` float32 (quantised on the way in, dequantised on the way out),
    int8 or uint8 (re-centred by 128), or that of a tensor that only the host handles.  ``away``
    says that quantising a float32 input rounds halves away from zero (LiteRT), not to even (ONNX).
    ``batched`` is False where the network itself knows no batch dimension.

    An input that the network reads in several ways has a port of the same name for each.
    """

    name: str
    tensor: str
    shape: tuple[int, ...]
    layout: str
    dtype: str
    away: bool = False
    batched: bool = True


@dataclasses.dataclass(frozen=True)
class External:
    """A part of a network that the runtime of its format computes, on the host, image by image.

    ``model`` is a file of that format, as bytes, for ``runtime`` ("onnxruntime" or "litert").  It
    reads and writes tensors of any type; ``reads`` and ``writes`` are its inputs and outputs as a
    network's own: what the file calls them, their shapes, layouts and types there.  ``macs`` are
    its multiply-accumulates for one image, ``reason`` is why the machine does not compute it.
    """

    name: str
    op: str
    reads: tuple[Port, ...]
    writes: tuple[Port, ...]
    runtime: str
    model: bytes
    macs: int
    reason: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads."""
        return tuple(port.tensor for port in self.reads)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors it computes."""
        return tuple(port.tensor for port in self.writes)


#: What the host computes; everything else runs on the machine.
HostNode = Softmax | LocalResponse | External
