"""Write a package: everything that somebody with a board needs to run a network on it."""

import json
import os
import pathlib
import shutil
from collections.abc import Callable, Mapping

import numpy as np

from accel import floats, golden, opening
from accel.compiler import compile_graph
from accel.graph import ports
from accel.machines.machine import Machine
from accel.own_folder import Kind, check_ours, replacing, write_manifest
from accel.package import core_file, image, memory_map, network_c, readme, registers
from accel.package.plan import Plan, plan
from accel.sim.written import emit

#: What a package is called; simulations leave a folder and Python its own.
FOLDER = Kind(
    "accel package", "a package", "package.json",
    frozenset({"sim/build/", "sim/__pycache__/", "system/build/", "system/__pycache__/",
               "system/ulx3s/__pycache__/"}),
)  # fmt: skip
#: Written by hand, the same in every package.
_FIXED = {
    "driver": ("accel.h", "accel.c", "accel_host.c", "accel_mmio.h", "accel_uio.h", "accel_uio.c"),
    "sim": ("run.py", "shim.c", "system.py", "test_network.py", "test_errors.py"),
    "system": ("system.v", "bench.v", "clock.v", "clock.cpp", "plain.h", "start.S", "link.ld",
               "run.py", "build.py", "firmware.py", "tools.py"),
    "system/ulx3s": ("soc.py", "board.h", "board.ld", "pads.v", "sdram.v", "bench.v"),
}
#: In which the network's name and types are put in.
_WITH_NAMES = ("examples/bare_metal.c", "examples/linux_uio.c", "system/firmware.c")
_HERE = pathlib.Path(__file__).parent
_C_TYPES = {"float32": "float", "int8": "int8_t", "uint8": "uint8_t"}
Progress = Callable[[str, float], None]


def package(
    model: opening.Model,
    folder: str | os.PathLike,
    machine: Machine,
    inputs=None,
    *,
    batch: int = 1,
    limit: int = 2,
    command: str | None = None,
    progress: Progress | None = None,
) -> dict:
    """Write a network's package into ``folder``: whole or not at all.

    Args:
        model: a built-in name, a path to .onnx or .tflite, or a Graph; a float file is quantised on
            the way, calibrated on ``inputs``.
        folder: is made; may be empty or an earlier package that nobody changed.
        machine: the hardware.
        inputs: images along the first axis in the model's own layout and dtype, for the testbench;
            a built-in network has its own.
        batch: images that a run computes.
        limit: how many images the testbench runs.
        command: how the package was made, for its README.
        progress: called with a stage and a share from 0 to 1.

    Returns:
        The memory map, ``images`` and, where weights or images are random, what says so.

    Raises:
        InputError: the images, or the folder, do not fit.
        PackageError: the network needs the host between the machine's layers.
        ModelError, GraphError, CompileError: naming file, node and rule.
    """
    tell = progress or (lambda stage, share: None)
    ports.check_count("batch", batch, 1)
    ports.check_count("limit", limit, 1)
    folder = pathlib.Path(folder)
    check_ours(folder, FOLDER)
    graph, quantised = floats.opened(model, inputs)
    tell("compile", 0.0)
    made = plan(graph, compile_graph(graph, machine.params, batch), machine.memory)
    given, notes = _images(model, graph, inputs, limit)
    notes = opening.origin(model) | notes
    if quantised:
        images = quantised["quantised"]["images"]
        notes["quantised"] = f"a float file, quantised on the way on {images} images"
    tell("golden model", 0.1)
    tensors = golden.run(graph, ports.read_inputs(graph, list(given.values())))
    tell("emit Verilog", 0.3)
    verilog = emit(machine.params)
    count = len(next(iter(given.values())))
    about = memory_map.memory_map(made, image.image_of(made.program, made.cycles))
    with replacing(folder, FOLDER) as new:
        tell("writing", 0.9)
        _write(made, verilog, readme.readme(made, notes, command), new)
        _write_vectors(made, given, tensors, new / "sim" / "vectors")
        (new / "memory_map.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        write_manifest(new, FOLDER, {"network": graph.name, "images": count, **notes})
    return {**about, "images": count, **notes}


def _images(model, graph, inputs, limit) -> tuple[dict[str, np.ndarray], dict]:
    """The user's arrays by input name, and what a report says of them."""
    notes = {}
    if inputs is None:
        inputs, _, notes = opening.own_images(model, graph, limit)
    names = list(dict.fromkeys(port.name for port in graph.inputs))
    if not isinstance(inputs, Mapping):
        inputs = dict(zip(names, [inputs] if len(names) == 1 else inputs, strict=True))
    ports.read_inputs(graph, inputs)  # refuses what does not fit
    return {name: np.ascontiguousarray(inputs[name][:limit]) for name in names}, notes


def _write(made: Plan, verilog: str, page: str, folder: pathlib.Path) -> None:
    """Write all but the vectors."""
    name, compiled = network_c.c_name(made), image.image_of(made.program, made.cycles)
    for place, files in _FIXED.items():
        (folder / place).mkdir()
        for file in files:
            shutil.copyfile(_HERE / place / file, folder / place / file)
    texts = {
        "README.md": page, f"{name}.core": core_file.core_file(made),
        "rtl/accelerator.v": verilog,
        "driver/accel_registers.h": registers.c_header(),
        "registers/accelerator.rdl": registers.system_rdl(made.program.params),
        f"program/{name}.h": network_c.header(made), f"program/{name}.c": network_c.source(made),
        f"program/{name}.hex": compiled.hex, f"program/{name}_image.c": compiled.c_source(name),
    }  # fmt: skip
    types = {
        "INPUT_TYPE": _C_TYPES[made.inputs[0].port.dtype],
        "OUTPUT_TYPE": _C_TYPES[made.outputs[0].port.dtype],
        "NETWORK_CAPITAL": name.upper(), "NETWORK": name,
    }  # fmt: skip
    for path in _WITH_NAMES:
        texts[path] = (_HERE / path).read_text(encoding="utf-8")
        for word, value in types.items():
            texts[path] = texts[path].replace(word, value)
    for path, text in texts.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "program" / f"{name}.bin").write_bytes(compiled.data)


def _write_vectors(made: Plan, given, tensors, folder: pathlib.Path) -> None:
    """Write the user's arrays, the stored tensors' bytes and the outputs, image by image."""
    folder.mkdir()
    for number, entry in enumerate(made.inputs):
        given[entry.port.name].tofile(folder / f"input_{number}.bin")
    rows = [
        tensors[name][..., first : first + place.shape[2]].reshape(len(tensors[name]), -1)
        for place, name, first in made.stored
    ]
    np.concatenate(rows, axis=1).tofile(folder / "expected.bin")
    for number, entry in enumerate(made.outputs):
        name = entry.port.tensor
        values = ports.from_tensor(entry.port, made.graph.tensors[name], tensors[name])
        np.ascontiguousarray(values).tofile(folder / f"output_{number}.bin")
