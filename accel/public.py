"""What is public besides accel.run, golden_run and estimate: compile, quantize, sweep."""

import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from accel import machines
from accel.compiler import compile_graph
from accel.dse.errors import SweepError
from accel.dse.point import Point, from_machine
from accel.dse.rows import read
from accel.dse.sweep import sweep as evaluate
from accel.errors import shown
from accel.graph.ir import Graph
from accel.opening import Model, open_network
from accel.params import Params
from accel.program import Program
from accel.report import sweep_page

Progress = Callable[[str, float], None]


def compile(
    model: Model,
    *,
    machine: machines.Source | None = None,
    array: Sequence[int] | None = None,
    params: Params | None = None,
    batch: int = 1,
) -> Program:
    """Compile a network to a program: commands, weights, and where every tensor lies.

    Args:
        model: a built-in name, a path to an int8 .onnx or .tflite, or a Graph.
        machine: a named machine, a machine's .toml file, or one of accel.machines.
        array: rows and columns of the MAC array, instead of the machine's own.
        params: the whole hardware, instead of ``machine``.
        batch: images that the machine computes together.

    Returns:
        A Program; ``image`` is the machine's memory, uint8, of ``memory_bytes`` bytes, and
        ``steps`` says at which byte address each program starts, and how many commands it has.

    Raises:
        ParamError: naming the parameter, the rule and the value.
        ModelError, GraphError: naming file, node and rule.
        CompileError: the machine cannot run the network; names node, rule and value.

    >>> import accel
    >>> program = accel.compile("mnist", machine="small")
    >>> [layer.name for layer in program.layers][:2], program.image.dtype
    (['Convolution28', 'Convolution110'], dtype('uint8'))
    """
    hardware = machines.chosen(machine, array, params).params
    return compile_graph(open_network(model), hardware, batch)


def quantize(
    model: str | os.PathLike[str],
    images: np.ndarray | Mapping[str, np.ndarray],
    output: str | os.PathLike[str],
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    per_channel: bool = False,
    method: str = "minmax",
    activations: str = "int8",
    form: str = "qdq",
    reduce_range: bool = False,
    keep_float: Sequence[str] = (),
) -> Graph:
    """Quantise a float file to int8, calibrated on images.

    ONNX Runtime's own tools do it for .onnx, Google's ai-edge-quantizer for .tflite (of the options
    it knows ``per_channel`` and ``keep_float``).

    Args:
        model: the float file.
        images: float32 along the first axis in the model's own layout, or such by input name.
        output: the int8 file to write, of the same kind.
        shapes: of inputs by name, batch first, where the file leaves dimensions open.
        per_channel: one weight scale for each output channel instead of one a layer.
        method: "minmax", "entropy" or "percentile": how calibration finds a tensor's range.
        activations: "int8" or "uint8".
        form: "qdq" or "qoperator": how the file writes quantised layers.
        reduce_range: weights of 7 bits, for processors without VNNI.
        keep_float: names of nodes that stay float, on the host.

    Returns:
        The network of the file that was written, as :func:`accel.run` takes it.

    Raises:
        ModelError: naming the file, the node and the rule.

    >>> import accel, pathlib, subprocess, sys, tempfile
    >>> import numpy as np
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> command = [sys.executable, "-m", "accel.cli", "models", "notes", "--onnx"]
    >>> subprocess.run([*command, folder / "f.onnx"], check=True, capture_output=True).returncode
    0
    >>> images = np.random.default_rng(1).random((4, 1, 6, 6), np.float32)
    >>> graph = accel.quantize(folder / "f.onnx", images, folder / "int8.onnx")
    >>> (folder / "int8.onnx").exists(), graph.inputs[0].shape
    (True, (1, 6, 6))
    """
    from accel.frontend.quantising import Options, float_model

    source = float_model(model, shapes)
    options = Options(
        per_channel=per_channel, method=method, activations=activations, form=form,
        reduce_range=reduce_range, keep_float=keep_float,
    )  # fmt: skip
    return source.quantize(pathlib.Path(output), source.check(images), options)


def sweep(
    model: Model,
    folder: str | os.PathLike[str],
    *,
    machine: machines.Source | None = None,
    arrays: Iterable[Sequence[int]] | None = None,
    axes: Mapping[str, Iterable[int]] | None = None,
    engine: str = "model",
    jobs: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Count a network's cycles on every combination of some machines' fields.

    Args:
        model: a built-in name, a path to an int8 .onnx or .tflite, or a Graph.
        folder: for results.parquet and .csv; a sweep of the same network continues there.
        machine: what all points share: a name, a .toml file, or one of accel.machines.
        arrays: rows and columns of each MAC array; by default the machine's own.
        axes: the values of each other field: of Params, and ``latency`` (cycles),
            ``bytes_per_cycle``, ``batch``.
        engine: "model" (the exact cycle model), "verilator" or "pysim".
        jobs: processes on this machine.
        scheduler: the address of a Dask scheduler, whose workers are used instead.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        A row for each point: its fields, and cycles, utilisation and the counters; ``status`` is
        "ok" or "failed", and then ``error`` says why.  ``folder`` then has results.parquet and
        .csv, and index.html, in which the points of all sweeps into it can be filtered and opened.

    Raises:
        SweepError: naming what, the rule and the value.
        ModelError, ParamError: as in :func:`accel.run`.

    >>> import accel, tempfile
    >>> rows = accel.sweep("notes", tempfile.mkdtemp(), arrays=[(4, 4), (8, 8)],
    ...                    axes={"bus_bytes": [8, 16]})
    >>> [(row["rows"], row["bus_bytes"], row["status"]) for row in rows]
    [(4, 8, 'ok'), (4, 16, 'ok'), (8, 8, 'ok'), (8, 16, 'ok')]
    """
    values = {name: _values(name, one) for name, one in (axes or {}).items()}
    shapes = None if arrays is None else [machines.shape(one) for one in _values("array", arrays)]
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise SweepError(f"jobs must be an integer of at least 1, not {shown(jobs)}")
    points: list[Point] = from_machine(machines.chosen(machine), shapes, values)
    graph, where = open_network(model), pathlib.Path(folder)
    rows = evaluate(graph, points, where, engine=engine, jobs=jobs, scheduler=scheduler,
                    progress=progress)  # fmt: skip
    network = graph.name if isinstance(model, Graph) else os.fspath(model)
    known = read(where / "results.parquet")
    sweep_page.write(where / "index.html", known, network, graph.name, None, engine)
    return rows


def _values(name: str, given: object) -> list[Any]:
    """The values of an axis: at least one, and whole numbers but for arrays."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise SweepError(f"the values of {name} must be a list, not {shown(given)}")
    values = list(given)
    if not values:
        raise SweepError(f"the values of {name} must be at least one, not none")
    for one in values:
        if name != "array" and (isinstance(one, bool) or not isinstance(one, (int, np.integer))):
            raise SweepError(f"{name} must be an integer, not {shown(one)}")
    return values if name == "array" else [int(one) for one in values]
