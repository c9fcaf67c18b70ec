"""Layers in SCALE-Sim's dataflows and on this machine, and where the difference comes from."""

from collections.abc import Callable

from accel.compiler import CompileError
from accel.graph.ir import Graph
from accel.params import Params
from accel.report.summary import CAUSES
from accel.scalesim import machine
from accel.scalesim.cycles import DATAFLOWS, compute_cycles, fill_and_drain, folds
from accel.scalesim.topology import Layer

#: Predicts a network's cycle counters, by their names in accel.isa.RECORD.
Predict = Callable[[Graph, Params], dict[str, int]]


def compare(
    layers: list[Layer],
    params: Params,
    predict: Predict,
    progress: Callable[[str, float], None] | None = None,
) -> list[dict]:
    """A row for each layer.

    ``name``, ``m``, ``k``, ``n``, ``copies``, ``macs``; ``scalesim``: cycles by dataflow, on an
    array of the same size; ``machine`` and ``padded``: the same layer on this machine, without
    padding as SCALE-Sim has it and with (kernel - 1) / 2 on every side; ``why``: what SCALE-Sim's
    weight stationary cycles, the same dataflow, have beyond the machine's, by cause (they add up).

    Args:
        layers: of a topology file.
        params: the machine; its array is SCALE-Sim's, too.
        predict: the cycle model.
        progress: called with a stage and a share from 0 to 1.
    """
    rows = []
    for number, layer in enumerate(layers):
        if progress is not None:
            progress(layer.name, number / len(layers))
        ours = _machine(layer, False, params, predict)
        rows.append(
            {
                "name": layer.name,
                "m": layer.pixels,
                "k": layer.reduction,
                "n": layer.filters,
                "copies": layer.copies,
                "macs": layer.macs,
                "scalesim": {
                    dataflow: compute_cycles(layer, dataflow, params.rows, params.cols)
                    for dataflow in DATAFLOWS
                },
                "machine": ours,
                "padded": _machine(layer, True, params, predict),
                "why": _why(layer, params, ours),
            }
        )
    return rows


def _machine(layer: Layer, same: bool, params: Params, predict: Predict) -> dict:
    """Cycles, where they went, and utilisation; or the ``error`` why it cannot run this layer."""
    height, width = machine.output_size(layer, same)
    macs = height * width * layer.reduction * layer.filters * layer.copies
    row = {"pixels": height * width, "macs": macs}
    try:
        counts = predict(machine.graph(layer, same), params)
    except CompileError as error:
        return {**row, "error": str(error)}
    cycles = counts["cycles"]
    return {
        **row,
        "cycles": cycles,
        "busy": counts["busy"],
        "idle": {cause: counts[cause] for cause in CAUSES},
        "utilisation": macs / (params.rows * params.cols * cycles),
    }


def _why(layer: Layer, params: Params, ours: dict) -> dict[str, int]:
    """SCALE-Sim's weight stationary cycles less the machine's, by cause."""
    if "error" in ours or layer.depthwise:
        return {}
    rows, cols = params.rows, params.cols
    tiles = folds(layer, "ws", rows, cols)
    idle = ours["idle"]
    return {
        "fill": tiles * fill_and_drain("ws", rows, cols) - layer.copies - idle["fill"],
        "windows": tiles * layer.pixels - machine.vectors(layer, False, params),
        "repeated": machine.vectors(layer, False, params) - ours["busy"],
        **{cause: -idle[cause] for cause in CAUSES if cause != "fill"},
    }
