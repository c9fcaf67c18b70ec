"""Whole networks on the golden model and on ONNX Runtime: float images in, float scores out.

The networks are built-in ones (accel.models) with seeded random weights, batch normalisation folded
into them, quantised by ONNX Runtime's own tools to its integer operators: QLinearConv with uint8
activations and int8 weights per channel, which is what it computes fastest.

Every layer gives ONNX Runtime's bytes for ONNX Runtime's input, or there is no figure.  Only sums
may differ by a step: ONNX Runtime's are float32, the machine's fixed-point numbers near them.
"""

import collections
import json
import pathlib
import tempfile

import numpy as np
import onnx

from accel import frontend, golden, models, onnx_session
from accel.bench.clock import clock, measure
from accel.frontend.onnx.quantize import quantize
from accel.golden.layers import compute
from accel.graph import ports
from accel.graph.ir import Add, AveragePool, Concat, Conv, Graph, MaxPool, Table
from accel.graph.macs import graph_macs
from accel.network import Network
from accel.network.export import to_model

#: Networks that are measured.
NETWORKS = ("squeezenet", "mobilenet_v1", "mobilenet_v2")
#: Times ONNX Runtime's that ours may take.
TARGET = 1.2
#: Runs that the share of a kind of layer is the best of, layer by layer.
SHARES = 30
#: Kinds of layers that are told apart, as the report calls them.
DEPTHWISE, DENSE, SUM, POOL, JOIN, OTHER = (
    "depthwise convolution", "fully connected", "sum", "pool", "join, table",
    "between layers, conversions",
)  # fmt: skip
_OURS = {Add: SUM, MaxPool: POOL, AveragePool: POOL, Concat: JOIN, Table: JOIN}
_THEIRS = {
    "QGemm": DENSE, "QLinearAdd": SUM, "QLinearConcat": JOIN, "MaxPool": POOL, "NhwcMaxPool": POOL,
    "QLinearGlobalAveragePool": POOL, "QLinearAveragePool": POOL,
}  # fmt: skip


def quantised(network: Network, seed: int = 1) -> tuple[bytes, np.ndarray]:
    """Return a network as an int8 ONNX file's content, and a float image for it."""
    network.initialise(seed)
    images = np.random.default_rng(seed).standard_normal((2, *network.input_shape), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        source, target = (pathlib.Path(folder) / file for file in ("float.onnx", "int8.onnx"))
        onnx.save(to_model(network), source)
        quantize(source, target, images, per_channel=True, form="qoperator", activations="uint8")
        return target.read_bytes(), images[:1]


def kind_of(node) -> str:
    """What a node of a graph is called in the report."""
    if not isinstance(node, Conv):
        return _OURS.get(type(node), OTHER)
    if node.op == "fully_connected":
        return DENSE
    filters, high, wide, part = node.weights.shape
    if part == 1 and int(node.groups) == filters:
        return DEPTHWISE
    return f"{high}x{wide} convolution"


class Pair:
    """A network on both sides.

    Args:
        content: an int8 ONNX file's.
        image: float32 [1, ...] in the network's layout.
        threads: for both.
    """

    def __init__(self, content: bytes, image: np.ndarray, threads: int):
        self._content, self._image, self._threads = content, image, threads
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "int8.onnx"
            path.write_bytes(content)
            self.graph: Graph = frontend.load(path)
        self._session = onnx_session.session(content, threads)
        self._wanted = [port.tensor for port in self.graph.outputs]
        self._feed = {self.graph.inputs[0].name: image}

    def ours(self) -> np.ndarray:
        """Compute the scores by the golden model."""
        given = ports.read_inputs(self.graph, self._image)
        tensors = golden.run(self.graph, given, keep=self._wanted)
        return ports.outputs(self.graph, tensors)[0]

    def theirs(self) -> np.ndarray:
        """Compute the scores by ONNX Runtime."""
        return self._session.run(None, self._feed)[0]

    def differences(self) -> int:
        """Compare every layer, given what ONNX Runtime gives it.

        Returns:
            Elements of sums that differ, by one step.

        Raises:
            AssertionError: naming another layer that differs, or a sum by more than a step.
        """
        theirs = self._all_theirs()
        values, found = dict(ports.read_inputs(self.graph, self._image)), 0
        for node in self.graph.nodes:
            made = compute(self.graph, node, values)
            values[node.output] = theirs.get(node.output, made)
            apart = np.abs(made.astype(int) - values[node.output])
            if apart.max() > isinstance(node, Add):
                raise AssertionError(f"{self.graph.name}: {node.name} differs from ONNX Runtime")
            found += int(np.count_nonzero(apart))
        return found

    def _all_theirs(self) -> dict[str, np.ndarray]:
        """What ONNX Runtime computes for the graph's tensors, as the graph has them."""
        model = onnx.load_from_string(self._content)
        known = {output.name for output in model.graph.output}
        names = [name for node in model.graph.node for name in node.output
                 if name in self.graph.tensors and name not in known]  # fmt: skip
        for name in names:
            kind = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None)
            model.graph.output.append(kind)
        arrays = onnx_session.session(model, self._threads).run(names, self._feed)
        shapes = [(-1, *self.graph.tensors[name].shape) for name in names]
        return {
            name: ports.recentre(array.transpose(0, 2, 3, 1) if array.ndim == 4 else array)
            .reshape(shape)
            for name, array, shape in zip(names, arrays, shapes, strict=True)
        }  # fmt: skip

    def our_shares(self, runs: int) -> dict[str, float]:
        """Least seconds of the layers, summed by kind."""
        now, least = clock(self._threads), {}

        def timed(graph, node, tensors):
            begin = now()
            made = compute(graph, node, tensors)
            least[node.name] = min(now() - begin, least.get(node.name, np.inf))
            return made

        for _ in range(runs):
            given = ports.read_inputs(self.graph, self._image)
            golden.run(self.graph, given, keep=self._wanted, layer=timed)
        return _by_kind({node.name: kind_of(node) for node in self.graph.nodes}, least)

    def their_shares(self, runs: int) -> dict[str, float]:
        """The same of ONNX Runtime's nodes, by its own profile."""
        kinds, least = {}, {}
        known = {node.name: kind_of(node) for node in self.graph.nodes}
        with tempfile.TemporaryDirectory() as folder:
            session = onnx_session.session(
                self._content, self._threads, str(pathlib.Path(folder) / "profile")
            )
            for _ in range(runs):
                session.run(None, self._feed)
            events = json.loads(pathlib.Path(session.end_profiling()).read_text("utf-8"))
        for event in events:
            name, timed, _ = event["name"].partition("_kernel_time")
            if event.get("cat") != "Node" or not timed:
                continue
            kinds[name] = _THEIRS.get(event["args"]["op_name"], OTHER)
            if event["args"]["op_name"] == "QLinearConv":
                # Nodes that its optimiser has moved or rewritten have a number behind their name.
                kinds[name] = known[name.partition("_token_")[0]]
            least[name] = min(event["dur"] * 1e-6, least.get(name, np.inf))
        return _by_kind(kinds, least)


def _by_kind(kinds: dict[str, str], seconds: dict[str, float]) -> dict[str, float]:
    total = collections.Counter()
    for name, least in seconds.items():
        total[kinds[name]] += least
    return dict(total)


def whole_network(name: str, count: int, repeats: int) -> dict:
    """One row: a network in milliseconds beside ONNX Runtime's, and its kinds of layers."""
    pair = Pair(*quantised(models.NETWORKS[name].build()), count)
    differing = pair.differences()
    ours, ort = measure(repeats, pair.ours, pair.theirs, threads=count)
    shares = [pair.our_shares(SHARES), pair.their_shares(SHARES)]
    for part, total in zip(shares, (ours, ort), strict=True):
        part[OTHER] = total - sum(each for kind, each in part.items() if kind != OTHER)
    kinds = sorted(set().union(*shares) - {OTHER}, key=lambda kind: -shares[0].get(kind, 0))
    return {
        "kind": "int8 network", "what": f"{name}, float image to scores", "unit": "ms",
        "ours": ours * 1e3, "ort": ort * 1e3, "ratio": ours / ort, "target": TARGET,
        "met": ours <= TARGET * ort, "gmacs_per_second": graph_macs(pair.graph) / ours / 1e9,
        "differing": differing,
        "parts": [
            {"kind": kind} | {
                side: share.get(kind, 0) * 1e3
                for side, share in zip(("ours", "ort"), shares, strict=True)
            }
            for kind in (*kinds, OTHER)
        ],
    }  # fmt: skip
