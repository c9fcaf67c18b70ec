"""``accel package``: the folder, what is refused, and the check that can fail."""

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys

import click.testing
import numpy as np
import pytest

import accel
from accel import golden
from accel.cli import main
from accel.cyclemodel import predict
from accel.graph.ir import Graph, LocalResponse, Port, Softmax, Tensor
from accel.machines import written as machine_file
from accel.own_folder import FolderError
from accel.package import PackageError, check
from accel.registers import machine_id
from tests.package.support import MACHINE, PARAMS, STRICT, compiler, network, written
from tests.support import float_models, networks

FILES = {
    "README.md", "{}.core", "memory_map.json", "package.json", "rtl/accelerator.v",
    "driver/accel.h", "driver/accel.c", "driver/accel_host.c", "driver/accel_mmio.h",
    "driver/accel_uio.h", "driver/accel_uio.c", "driver/accel_registers.h",
    "program/{}.bin", "program/{}.hex", "program/{}.h", "program/{}.c", "program/{}_image.c",
    "registers/accelerator.rdl", "examples/bare_metal.c", "examples/linux_uio.c", "sim/run.py",
    "sim/shim.c", "sim/system.py", "sim/test_network.py", "sim/test_errors.py",
    "system/run.py", "system/system.v", "system/bench.v", "system/clock.v", "system/clock.cpp",
    "system/start.S", "system/link.ld", "system/plain.h", "system/firmware.c",
    "system/firmware.py", "system/tools.py", "system/build.py", "system/ulx3s/soc.py",
    "system/ulx3s/board.h", "system/ulx3s/board.ld", "system/ulx3s/pads.v",
    "system/ulx3s/sdram.v", "system/ulx3s/bench.v",
    "sim/vectors/input_0.bin", "sim/vectors/output_0.bin", "sim/vectors/expected.bin",
}  # fmt: skip


def call(*arguments):
    return click.testing.CliRunner().invoke(main, ["package", *map(str, arguments)])


def simulated() -> None:
    """What a check needs, or no test."""
    compiler()
    pytest.importorskip("cocotbext.axi", reason="cocotbext-axi is not installed")
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The package of the small network; nobody changes it."""
    folder = tmp_path_factory.mktemp("package") / "own"
    written(folder)
    return folder


def test_the_folder(folder):
    about = json.loads((folder / "memory_map.json").read_text())
    name = about["name"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {one.format(name) for one in FILES}
    graph, images = network()
    assert about["machine"]["digest"] == f"{machine_id(PARAMS):#010x}"
    program = accel.compile(graph, params=PARAMS)
    (step,) = program.steps
    cycles = predict(PARAMS, program.image, step.start, step.commands)[0]["cycles"]
    assert about["program"] == {
        "start": step.start, "commands": step.commands, "batch": 1, "cycles": cycles
    }  # fmt: skip
    assert about["memory"]["bytes"] == program.memory_bytes
    (given,) = about["inputs"]
    place = program.tensors[graph.inputs[0].tensor]
    tensor = given["tensor"]
    assert [tensor["offset"], tensor["pixel_bytes"], tensor["row_bytes"]] == [
        place.address, place.pixel, place.row
    ]  # fmt: skip
    assert [tensor[key] for key in ("height", "width", "channels")] == list(place.shape)
    # Every tensor that the machine stores is compared, with golden's bytes.
    stored = [one["name"] for one in about["tensors"]]
    channels = [slice(one["first_channel"], one["first_channel"] + one["channels"])
                for one in about["tensors"]]  # fmt: skip
    assert {layer.output for layer in program.layers if not layer.near} < set(stored)
    tensors = golden.run(graph, images)
    rows = [
        tensors[program.copies.get(name, name)][..., part].reshape(2, -1)
        for name, part in zip(stored, channels, strict=True)
    ]
    expected = np.fromfile(folder / "sim/vectors/expected.bin", np.int8)
    np.testing.assert_array_equal(expected.reshape(2, -1), np.concatenate(rows, axis=1))


def test_no_file_tells_where_it_was_made(folder):
    places = {str(pathlib.Path(accel.__file__).parent), str(folder.parent), sys.prefix}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [place for place in places if place.encode() in data], path


def test_every_c_file_compiles_with_all_warnings(folder, tmp_path):
    files = sorted(set(folder.rglob("*.c")) - {folder / "system/firmware.c"})  # of RISC-V
    assert len(files) == 8
    name = json.loads((folder / "memory_map.json").read_text())["name"]
    ports = [f'-DPORTS_HEADER="{name}.h"', f"-DINPUTS={name}_inputs", f"-DOUTPUTS={name}_outputs"]
    include = [f"-I{folder / place}" for place in ("driver", "program")]
    for file in files:
        for strict in (STRICT, ("-std=c11", *STRICT[1:], "-Wconversion", "-Wshadow", "-O2")):
            subprocess.run(
                [compiler(), *strict, *ports, *include, "-c", file, "-o", tmp_path / "x.o"],
                check=True,
            )  # fmt: skip


def test_the_driver_on_the_machine(folder):
    """All of the testbench: every byte at three bases, every error provoked."""
    simulated()
    right, said = check(folder)
    assert right, said
    for base in ("0x0", "0x40000000", "0x7ffff000"):
        assert re.search(f"base {base}: 2 images, [1-9][0-9]+ bytes compared, all right", said)
    assert re.search(r"^13 of 13 tests passed$", said, re.M)


def test_every_error_of_the_driver_is_provoked(folder):
    named = set(re.findall(r"^    ACCEL_(E_\w+)", (folder / "driver/accel.h").read_text(), re.M))
    provoked = re.findall(r'== "(E_\w+)"', (folder / "sim/test_errors.py").read_text())
    assert named == set(provoked)


@pytest.mark.campaign
def test_a_batch(tmp_path):
    """Three images, two at a time."""
    simulated()
    graph, images = network()
    images = np.concatenate([images, images[:1] ^ 0x11])
    accel.package.package(graph, tmp_path / "two", MACHINE, images, batch=2, limit=3)
    right, said = check(tmp_path / "two", tests="interrupt_at_40000000")
    assert right, said
    assert "base 0x40000000: 3 images" in said


@pytest.mark.parametrize("file", ["sim/vectors/expected.bin", "program/{}_image.c", "rtl"])
def test_a_wrong_byte_fails_the_check(file, folder, tmp_path):
    """In what is expected, in what is loaded, or in the machine."""
    simulated()
    spoilt = tmp_path / "spoilt"
    shutil.copytree(folder, spoilt)
    name = json.loads((spoilt / "memory_map.json").read_text())["name"]
    if file == "rtl":
        path = spoilt / "rtl/accelerator.v"
        text = path.read_text()
        path.write_text(text.replace(".m_axi_rdata(m_axi_rdata)",
                                     ".m_axi_rdata(m_axi_rdata ^ 64'h100000000)"))  # fmt: skip
    else:
        path = spoilt / (f"program/{name}.bin" if "program" in file else file)
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    if "program" not in file:  # that one is refused before it runs
        right, said = check(spoilt, tests="polling_at_0")
        assert not right and "0 of 1 tests passed" in said
        return
    done = call("--check", spoilt)
    assert done.exit_code == 1, done.output
    assert f"{spoilt}: the check failed" in done.output


def test_written_and_checked_by_the_command(tmp_path):
    (tmp_path / "m.toml").write_text(machine_file(MACHINE))
    out = tmp_path / "out"
    done = call("notes", "-o", out, "--machine", tmp_path / "m.toml", "--limit", 1)
    assert done.exit_code == 0, done.output
    assert f"accel package --check {out}" in done.output
    assert "seeded random weights" in (out / "README.md").read_text()
    # Again in its place, the same bytes; but not over what somebody changed.
    first = (out / "package.json").read_bytes()
    assert call("notes", "-o", out, "--machine", tmp_path / "m.toml", "--limit", 1).exit_code == 0
    assert (out / "package.json").read_bytes() == first
    (out / "driver/accel.c").write_text("mine")
    done = call("notes", "-o", out, "--machine", tmp_path / "m.toml")
    assert done.exit_code == 2
    assert "driver/accel.c was changed after accel package wrote it" in done.output
    assert {path.name for path in tmp_path.iterdir()} == {"m.toml", "out"}


def test_a_folder_of_somebody_elses_stays(tmp_path):
    (tmp_path / "out/rtl").mkdir(parents=True)
    (tmp_path / "out/rtl/thesis.tex").write_text("")
    with pytest.raises(FolderError, match="must be new, empty or a package of accel package, but "
                       "holds 'rtl'"):  # fmt: skip
        written(tmp_path / "out")
    assert (tmp_path / "out/rtl/thesis.tex").exists()


def test_what_is_no_package_is_not_checked(tmp_path):
    done = call("--check", tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path}: is no package: make one with accel package NETWORK -o DIR" in done.output


def test_a_missing_tool_is_named(folder, monkeypatch):
    simulated()
    monkeypatch.setenv("CC", shutil.which(compiler()))
    monkeypatch.setenv("PATH", "/nowhere")
    done = call("--check", folder)
    assert done.exit_code == 3
    assert "iverilog is missing: install it, for example: apt install iverilog" in done.output


def with_behind(graph: Graph, *nodes, tensors) -> Graph:
    """The network with layers of the host behind it."""
    last = tensors[-1]
    port = Port("answer", last.name, last.shape, "HWC", last.dtype)
    more = {tensor.name: tensor for tensor in tensors}
    return Graph("behind", graph.tensors | more, (*graph.nodes, *nodes), graph.inputs, (port,))


def test_the_host_in_the_middle_is_refused(tmp_path):
    graph = networks.residual(np.random.default_rng(1), 6, 4)
    first = graph.nodes[0]
    normal = LocalResponse("normal", first.output, "n", 3, 1e-4, 0.75, 1.0)
    tensor = graph.tensors[first.output]
    broken = Graph(
        "middle", graph.tensors | {"n": Tensor("n", tensor.shape, tensor.scale, tensor.zero_point)},
        (first, normal, *(_renamed(node, first.output, "n") for node in graph.nodes[1:])),
        graph.inputs, graph.outputs,
    )  # fmt: skip
    images = np.zeros((1, 6, 6, 3), np.int8)
    with pytest.raises(PackageError, match=r"middle: node 'normal' \(lrn\) is computed by the ho"):
        accel.package.package(broken, tmp_path / "out", MACHINE, images)
    assert not (tmp_path / "out").exists()


def _renamed(node, old, new):
    """A node that reads another tensor."""
    fields = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if field.name in ("input", "inputs"):
            fields[field.name] = (
                new if value == old else tuple(new if one == old else one for one in value)
                if isinstance(value, tuple) else value
            )
    return dataclasses.replace(node, **fields)


def test_what_the_driver_has_no_c_for_is_left_to_the_user(tmp_path):
    """A softmax behind a normalisation: the outputs are what that reads."""
    graph, images = network()
    source = graph.tensors[graph.outputs[0].tensor]
    made = [Tensor("n", source.shape, 0.1, 3), Tensor("s", source.shape, 1 / 256, -128)]
    behind = with_behind(
        graph, LocalResponse("normal", source.name, "n", 3, 1e-4, 0.75, 1.0),
        Softmax("soft", "n", "s", "float"), tensors=made,
    )  # fmt: skip
    about = accel.package.package(behind, tmp_path / "out", MACHINE, images)
    assert [one["name"] for one in about["left_out"]] == ["normal", "soft"]
    (output,) = about["outputs"]
    assert (output["name"], output["dtype"], output["layout"]) == (source.name, "int8", "HWC")
    assert "**Left to you**: `normal` (lrn), `soft` (softmax)" in (
        tmp_path / "out/README.md").read_text()  # fmt: skip


@pytest.mark.campaign
def test_a_softmax_behind_is_the_drivers(tmp_path):
    simulated()
    graph, images = network()
    source = graph.tensors[graph.outputs[0].tensor]
    behind = with_behind(
        graph, Softmax("soft", source.name, "s", "float"),
        tensors=[Tensor("s", source.shape, 1.0, 0, "float32")],
    )  # fmt: skip
    about = accel.package.package(behind, tmp_path / "out", MACHINE, images)
    assert about["outputs"][0]["softmax"]["arithmetic"] == "float"
    right, said = check(tmp_path / "out", tests="interrupt_at_40000000")
    assert right, said


def test_a_float_file_is_quantised_on_the_way(tmp_path):
    path = float_models.dense().save(tmp_path, "dense.onnx")
    images = np.random.default_rng(1).normal(size=(3, 3, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "three.npz", images=images)
    done = call(path, "-o", tmp_path / "out", "--array", "4x4", "--input", tmp_path / "three.npz")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out/README.md").read_text()
    assert "a float file, quantised on the way on 3 images" in page
    about = json.loads((tmp_path / "out/memory_map.json").read_text())
    assert about["inputs"][0]["dtype"] == "float32"
    given = np.fromfile(tmp_path / "out/sim/vectors/input_0.bin", np.float32)
    np.testing.assert_array_equal(given, images[:2].ravel())
