"""``make``: from a network's name to a page of it."""

import numpy as np

from accel import floats, machines
from accel.graph import ports
from accel.opening import Model, own_images
from accel.page import PageError, bundle, check, network, wasm
from accel.sim.build import Progress


def make(
    model: Model,
    inputs: np.ndarray | None = None,
    labels=None,
    machine: machines.Machine | None = None,
    progress: Progress | None = None,
) -> tuple[str, dict]:
    """A page in which a network runs on the machine's RTL, as HTML.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph; a float file is
            quantised on the way, calibrated on ``inputs``.
        inputs: images to choose from in the page; a built-in network has its own.
        labels: their classes.
        machine: by default "small": 8 x 8 multipliers.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        The page, and what was found out before: ``cycles`` and ``compared`` bytes of the first
        image, none of which differs from golden's.

    Raises:
        PageError: naming the network and the rule.
        ModelError, CompileError, InputError: as of accel.run.
        SimulationError: the machine could not be built, or (MachineError) a byte differs.
    """
    tell = progress or (lambda stage, share: None)
    hardware = machine or machines.open_machine("small", {})
    if hardware.memory.dram:
        raise PageError(
            f"a page's memory is no DRAM: leave {hardware.memory.dram} out of the machine"
        )
    if hardware.memory.surprise:
        raise PageError(
            f"a page's memory has no {hardware.memory.surprise}: leave it out of the machine's file"
        )
    for option, what in (("packed_products", "cells with a multiplier each"),
                         ("parity", "memories without parity")):  # fmt: skip
        if getattr(hardware.params, option):
            raise PageError(
                f"a page looks into {what}: machine {hardware.name} has {option} = true; set it to "
                "false, which changes no cycle"
            )
    graph, _ = floats.opened(model, inputs)
    if inputs is None:
        inputs, labels, _ = own_images(model, graph, network.SAMPLES)
    program = network.compiled(graph, hardware.params)
    network.checked(graph, program)
    classes = network.labels(graph, labels, len(inputs))
    shown = np.asarray(inputs)[: network.SAMPLES]
    subject = network.Network(
        graph, program, hardware, ports.quantise(graph, shown), classes,
        (float(shown.min()), float(shown.max())),
    )  # fmt: skip
    module = wasm.build(hardware.params, tell)
    tell("golden model", 1.0)
    found = check.check(subject, module)
    tell("page", 1.0)
    described = network.described(subject, module) | {"check": found}
    return bundle.bundle(described, module.code), found
