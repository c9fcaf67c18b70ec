"""What a run would count, from the cycle model alone: neither images nor simulation are needed."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from accel import floats, machines, mapper, recording
from accel.batch import Batch
from accel.compiler import compile_graph
from accel.cyclemodel import predict, record, stage
from accel.graph import ports
from accel.graph.ports import InputError
from accel.isa import Error
from accel.opening import Model, file_hash, origin
from accel.params import Params
from accel.program import Program
from accel.report.summary import summarise
from accel.sim.engine import Memory, Outcome

#: The engine's name in reports.
NAME = "model"


def _batch(program: Program, memory: Memory, steps: list | None = None) -> Batch:
    """Predict one batch, in the form of a run's; ``steps`` gets their cycles and spans."""
    outcomes, records = [], []
    for step in program.steps:
        began = time.perf_counter()
        counters, written, traffic = {}, {}, {}
        if step.commands:
            counters, written, *spans = (predict if steps is None else record)(
                program.params, program.image, step.start, step.commands, **memory.timing,
                traffic=traffic,
            )  # fmt: skip
            if spans:
                steps.append((counters["cycles"], spans[0]))
        seconds = time.perf_counter() - began
        passed = traffic.pop("total", {})
        done = Outcome(Error.NONE, 0, counters, seconds, passed, traffic)
        outcomes.append(done if step.commands else None)
        records.append([written[layer.mark_addr] for layer in step.layers])
    on_host = {name: 0.0 for step in program.steps for name in step.host}
    return Batch(program, {}, records, outcomes, on_host)


def estimate(
    model: Model,
    *,
    machine: machines.Source | None = None,
    array: Sequence[int] | None = None,
    batch: int = 1,
    images: int | None = None,
    inputs: np.ndarray | Mapping[str, np.ndarray] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    exact: bool = False,
    keep: str | os.PathLike[str] | None = None,
    params: Params | None = None,
    memory: Memory | None = None,
    search: int = 0,
    fusion: bool = True,
    engines: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Predict a run's report; every ``mismatches`` in it is None.

    Args:
        model, machine, array, batch, params, memory, search, shapes, exact, keep, progress: as
            in accel.runner.run.
        fusion: whether results may stay on the chip for the next layer, as they do in a run.
        images: how many there would be; one batch by default.
        inputs: images to calibrate a float file with; by default a seeded random one.
        engines: whether the report tells what each engine did when in the first batch.

    Returns:
        A dict as report.json holds it: ``layers`` with name, op, MACs, cycles and bytes each, and
        ``total``; cycles are clock cycles of the machine for all images.

    Raises:
        InputError: naming the argument, the rule and the value.
        ParamError, ModelError, CompileError: naming the parameter, or the file, node and rule.

    >>> import accel
    >>> report = accel.estimate("mnist", machine="small", batch=4)
    >>> report["images"], report["total"]["macs"]
    (4, 3146240)
    """
    tell = progress or (lambda stage, share: None)
    total = batch if images is None else images
    for name, value, least in (("batch", batch, 1), ("images", total, 1), ("search", search, 0)):
        ports.check_count(name, value, least)
    meant = machines.chosen(machine, array, params, memory)
    hardware, behaviour = meant.params, meant.memory
    if behaviour.surprise:
        raise InputError(f"the cycle model knows no memory with {behaviour.surprise}: it must be "
                         f"off, not {getattr(behaviour, behaviour.surprise)!r}")
    graph, quantised = floats.opened(model, inputs, shapes=shapes, keep=keep, random=True,
                                     exact=exact)
    mapping, found = mapper.choose(
        graph, hardware, min(batch, total), behaviour, search, tell, fusion
    )
    full, rest = divmod(total, batch)
    batches, steps = [], [] if engines else None
    for size, count in ((batch, full), (rest, 1)):
        if size and count:
            tell(stage(), len(batches) / (full + 1))
            program = compile_graph(graph, hardware, size, data=False, mapping=mapping)
            first = steps if not batches else None
            batches += [_batch(program, behaviour, first)] * count
    report = summarise(graph, hardware, NAME, behaviour, batches, None, 0.0)
    report |= {"network_sha256": file_hash(model), "machine": machines.report(meant)}
    report |= origin(model) | quantised | found
    if behaviour.dram:
        report["ideal"] = recording.ideal(batches, behaviour)
    if engines:
        report["engines"] = recording.in_a_row(steps)
    return report


# ``accel.estimate`` is the function, whoever imported this module first; what was written before it
# was, ``from accel.estimate import estimate``, goes on to work.
estimate.estimate = estimate
sys.modules[__name__] = estimate
