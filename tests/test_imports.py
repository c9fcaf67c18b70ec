"""The direction of imports: the golden model and the RTL must stay independent witnesses."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
#: What the documentation's site is written in: no modules.
SITE = ROOT / "accel" / "docs" / "pages"
#: What the modules below a prefix may import of this project's own.
ALLOWED = {
    "accel.rtl": ("accel.rtl", "accel.params", "accel.isa", "accel.registers"),
    "accel.errors": (),
    "accel.whole": (),
    "accel.caches": (),
    "accel.own_folder": ("accel.graph.ports", "accel.whole"),
    "accel.dram": (),
    "accel.params": (),
    "accel.isa": ("accel.params",),
    "accel.registers": ("accel.isa", "accel.params"),
    "accel.quant": ("accel.isa", "accel.params"),
    "accel.compiled": ("accel.caches",),
    "accel.npz": (),
    "accel.version": (),
    "accel.pareto": (),
    "accel.onnx_session": ("accel.onnx_unsigned",),
    "accel.onnx_unsigned": (),
    "accel.litert": (),
    "accel.program": ("accel.params",),
    "accel.checksum": ("accel.isa", "accel.params"),
    "accel.machines": (
        "accel.machines", "accel.params", "accel.dram", "accel.sim.engine", "accel.sim.memory",
    ),
    "accel.host": ("accel.host", "accel.graph", "accel.onnx_session", "accel.litert"),
    "accel.golden": (
        "accel.golden", "accel.compiled", "accel.quant", "accel.graph", "accel.isa", "accel.host",
    ),
    "accel.graph": ("accel.graph", "accel.quant", "accel.isa"),
    "accel.frontend": (
        "accel.frontend", "accel.graph", "accel.quant", "accel.isa", "accel.onnx_session",
        "accel.litert", "accel.whole",
    ),
    "accel.bench.sim": (
        "accel.bench", "accel.compiler", "accel.graph", "accel.quant", "accel.isa",
        "accel.params", "accel.program", "accel.sim",
    ),
    "accel.bench": (
        "accel.bench", "accel.golden", "accel.graph", "accel.quant", "accel.isa", "accel.params",
        "accel.runner", "accel.estimate", "accel.onnx_session", "accel.frontend", "accel.models",
        "accel.network",
    ),
    "accel.network": ("accel.network", "accel.golden"),
    "accel.seeded": ("accel.seeded", "accel.network", "accel.graph", "accel.quant", "accel.isa"),
    "accel.train": (
        "accel.train", "accel.network", "accel.golden", "accel.frontend", "accel.report",
        "accel.npz", "accel.models",
    ),
    "accel.compiler": (
        "accel.compiler", "accel.graph", "accel.params", "accel.isa", "accel.quant",
        "accel.program",
    ),
    "accel.cyclemodel": (
        "accel.cyclemodel", "accel.compiled", "accel.params", "accel.dram", "accel.isa",
        "accel.program", "accel.sim.engine",
    ),
    "accel.dump": ("accel.dump", "accel.graph", "accel.isa", "accel.whole"),
    "accel.mapper": (
        "accel.compiler", "accel.graph", "accel.cyclemodel", "accel.params", "accel.sim.engine",
    ),
    "accel.sim": (
        "accel.sim", "accel.rtl", "accel.params", "accel.dram", "accel.isa", "accel.program",
        "accel.registers", "accel.version", "accel.caches",
    ),
    "accel.scalesim": (
        "accel.scalesim", "accel.compiler", "accel.graph", "accel.params", "accel.report.summary",
    ),
    "accel.batch": (
        "accel.golden", "accel.graph", "accel.isa", "accel.program", "accel.sim.engine",
        "accel.checksum", "accel.registers",
    ),
    "accel.opening": ("accel.models", "accel.seeded", "accel.frontend", "accel.graph"),
    "accel.dse": (
        "accel.dse", "accel.compiler", "accel.cyclemodel", "accel.sim", "accel.batch",
        "accel.graph", "accel.params", "accel.program", "accel.report.files", "accel.pareto",
    ),
    "accel.hls": (
        "accel.hls", "accel.graph", "accel.golden", "accel.opening", "accel.own_folder",
        "accel.sim.toolchain",
        "accel.sim.engine", "accel.models",
    ),
    "accel.package.sim": ("accel.package.sim",),
    "accel.package": (
        "accel.package", "accel.checksum", "accel.compiler", "accel.cyclemodel", "accel.floats",
        "accel.golden", "accel.graph", "accel.hls.names",
        "accel.isa", "accel.machines.machine", "accel.opening", "accel.own_folder", "accel.params",
        "accel.program", "accel.registers", "accel.sim.engine", "accel.sim.written",
        "accel.version",
    ),
    "accel.page": (
        "accel.page", "accel.caches", "accel.sim", "accel.compiler", "accel.floats", "accel.graph",
        "accel.golden", "accel.isa",
        "accel.labels", "accel.machines", "accel.opening", "accel.params", "accel.program",
        "accel.registers", "accel.rtl.top", "accel.version",
    ),
    "accel.models": ("accel.models", "accel.network"),
    "accel.floorplan": ("accel.floorplan", "accel.compiled"),
}  # fmt: skip
#: What every module may import: the base of all errors, which imports nothing.
EVERYWHERE = "accel.errors"
#: Packages that only these modules may import.
SOLE_IMPORTERS = {
    "onnx": ("accel.frontend.onnx", "accel.network.export", "accel.bench", "accel.onnx_session",
             "accel.onnx_unsigned"),
    "onnxruntime": ("accel.frontend.onnx", "accel.onnx_session"),
    "tflite": ("accel.frontend.tflite",),
    "ai_edge_litert": ("accel.litert",),
    "amaranth": ("accel.rtl", "accel.sim"),
    "wasmtime": ("accel.page.check",),
    "cocotb": ("accel.package.sim",),
    "numba": ("accel.compiled", "accel.golden", "accel.quant", "accel.cyclemodel"),
}


def modules():
    """Every module of the project: its dotted name, as it is imported, and its path."""
    for top, package in {"accel": "accel", "rtl": "accel.rtl", "models": "accel.models"}.items():
        for path in sorted((ROOT / top).rglob("*.py")):
            if SITE in path.parents:  # the files of the tutorials, and Sphinx's configuration
                continue
            name = ".".join((package, *path.relative_to(ROOT / top).with_suffix("").parts))
            yield name.removesuffix(".__init__"), path


def imports(path: pathlib.Path) -> set[str]:
    """Dotted names that a file imports, with the imported names for `from` imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def below(name: str, prefixes) -> bool:
    """Whether ``name`` is one of ``prefixes`` or lies below one."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("name, path", list(modules()), ids=lambda value: str(value).split("/")[-1])
def test_imports_only_what_its_place_allows(name, path):
    rules = [allowed for prefix, allowed in ALLOWED.items() if below(name, [prefix])]
    for imported in imports(path):
        assert not below(imported, ("rtl", "models")), f"{name}: what is installed is accel.*"
        if rules and below(imported, ["accel"]):
            assert below(imported, (*rules[0], EVERYWHERE)), f"{name} may not import {imported}"
        for package, importers in SOLE_IMPORTERS.items():
            if below(imported, [package]):
                assert below(name, importers), f"{name} may not import {imported}"


def test_the_walk_sees_a_forbidden_import(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("from accel.golden import conv\nimport accel.rtl.top\n")
    assert imports(file) == {"accel.golden.conv", "accel.rtl.top"}
    assert not below("accel.golden.conv", ALLOWED["accel.rtl"])
