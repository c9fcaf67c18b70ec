"""Float networks for `run`, `estimate`, `golden_run`: quantised on the way, as a report then says.

Calibration takes the images that the network is to run on, at most CALIBRATION of them.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from accel import seeded
from accel.frontend import FloatModelError, load
from accel.frontend.quantising import Options, float_model
from accel.graph.ir import Graph
from accel.graph.ports import InputError
from accel.opening import Model, open_network

#: Most images to calibrate with, spread evenly over those that are given.
CALIBRATION = 32


def opened(
    model: Model,
    inputs=None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    keep: str | os.PathLike | None = None,
    random: bool = False,
    exact: bool = False,
) -> tuple[Graph, dict]:
    """Open a network; quantise it first if it is a float file.

    Args:
        model: a built-in name, a path to a network file, or a graph.
        inputs: images along the first axis in the model's own layout, or such by input.
        shapes: of inputs by name, batch first, where a float file leaves dimensions open; of
            another network they must be what it has.
        keep: the folder for the quantised file; it is left nowhere otherwise.
        random: calibrate on a seeded random image where no images are given.
        exact: as accel.open_network has it.

    Returns:
        The graph; what a report says of quantising.

    Raises:
        FloatModelError: there are no images to calibrate with.
        InputError: naming an input that is not the network's, or has another shape.
        accel.frontend.ModelError: naming the file and the rule.
    """
    try:
        graph = open_network(model, exact=exact)
        _check(graph, shapes or {})
        return graph, {}
    except FloatModelError:
        if inputs is None and not random:
            raise
    source, options = float_model(model, shapes), Options(per_channel=True)
    note = {}
    if inputs is None:
        rng = np.random.default_rng(seeded.SEED)
        inputs = {name: rng.standard_normal((1, *shape), np.float32)
                  for name, shape in source.inputs.items()}  # fmt: skip
        note = {"inputs": f"seeded random images, seed {seeded.SEED}"}
    images = source.check(inputs)
    given = len(next(iter(images.values())))
    chosen = np.unique(np.linspace(0, given - 1, CALIBRATION).astype(int))
    images = {name: values[chosen] for name, values in images.items()}
    stem = pathlib.Path(model).stem
    with _folder(keep) as folder:
        path = folder / f"{stem}_int8{pathlib.Path(model).suffix}"
        graph = source.quantize(path, images, options)
        graph = dataclasses.replace(load(path, exact=True) if exact else graph, name=stem)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    note |= {"file": str(path)} if keep is not None else {}
    told = source.told(options) | {"images": len(chosen), "given": given, "sha256": digest} | note
    return graph, {"quantised": told}


def _check(graph: Graph, shapes: Mapping[str, Sequence[int]]) -> None:
    """InputError unless the shapes, batch first, are those that a quantised network has."""
    known = {port.name: port.shape for port in graph.inputs}
    for name, dims in shapes.items():
        if name not in known:
            raise InputError(f"shapes: {graph.name}'s inputs are {list(known)}, not {name!r}")
        if tuple(dims[1:]) != tuple(known[name]):
            raise InputError(
                f"shapes: {graph.name} is quantised for images of {tuple(known[name])} at input "
                f"{name!r}, not {tuple(dims[1:])}: quantise its float file for another shape"
            )


@contextlib.contextmanager
def _folder(keep) -> Iterator[pathlib.Path]:
    """The folder ``keep``, made if need be, or one for the time being."""
    if keep is not None:
        pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
        yield pathlib.Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="accel-") as folder:
        yield pathlib.Path(folder)
