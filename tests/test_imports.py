"""The direction of imports: the golden model and the RTL must stay independent witnesses."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
#: What the modules below a prefix may import of this project's own.
ALLOWED = {
    "rtl": ("rtl", "accel.params", "accel.isa"),
    "accel.params": (),
    "accel.isa": ("accel.params",),
    "accel.quant": ("accel.isa", "accel.params"),
    "accel.compiled": (),
    "accel.npz": (),
    "accel.onnx_session": (),
    "accel.program": ("accel.params",),
    "accel.golden": ("accel.golden", "accel.compiled", "accel.quant", "accel.graph", "accel.isa"),
    "accel.graph": ("accel.graph", "accel.quant", "accel.isa"),
    "accel.frontend": (
        "accel.frontend", "accel.graph", "accel.quant", "accel.isa", "accel.network",
    ),
    "accel.bench.sim": (
        "accel.bench", "accel.compiler", "accel.graph", "accel.quant", "accel.isa",
        "accel.params", "accel.program", "accel.sim",
    ),
    "accel.bench": (
        "accel.bench", "accel.golden", "accel.graph", "accel.quant", "accel.isa", "accel.params",
        "accel.runner", "accel.estimate", "accel.onnx_session",
    ),
    "accel.network": ("accel.network", "accel.golden"),
    "accel.seeded": ("accel.seeded", "accel.network", "accel.graph", "accel.quant", "accel.isa"),
    "accel.train": (
        "accel.train", "accel.network", "accel.golden", "accel.frontend", "accel.report",
        "accel.npz", "models",
    ),
    "accel.compiler": (
        "accel.compiler", "accel.graph", "accel.params", "accel.isa", "accel.quant",
        "accel.program",
    ),
    "accel.model": (
        "accel.model", "accel.compiled", "accel.params", "accel.isa", "accel.program",
        "accel.sim.engine",
    ),
    "accel.mapper": (
        "accel.compiler", "accel.graph", "accel.model", "accel.params", "accel.sim.engine",
    ),
    "accel.sim": ("accel.sim", "rtl", "accel.params", "accel.isa", "accel.program"),
    "accel.scalesim": (
        "accel.scalesim", "accel.compiler", "accel.graph", "accel.params", "accel.report.summary",
    ),
    "accel.dse": (
        "accel.dse", "accel.compiler", "accel.model", "accel.sim", "accel.runner",
        "accel.graph", "accel.params", "accel.program", "accel.report.files",
    ),
    "accel.hls": (
        "accel.hls", "accel.graph", "accel.golden", "accel.runner", "accel.sim.build",
        "accel.sim.engine", "models",
    ),
    "models": ("models", "accel.network"),
}  # fmt: skip
#: Packages that only these modules may import.
SOLE_IMPORTERS = {
    "onnx": ("accel.frontend", "accel.bench", "accel.onnx_session"),
    "onnxruntime": ("accel.frontend", "accel.onnx_session"),
    "tflite": ("accel.frontend",),
    "amaranth": ("rtl", "accel.sim"),
    "numba": ("accel.compiled", "accel.golden", "accel.quant", "accel.model"),
}


def modules():
    """Every module of the project: its dotted name and its path."""
    for top in ("accel", "rtl", "models"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
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
        if rules and below(imported, ("accel", "rtl", "models")):
            assert below(imported, rules[0]), f"{name} may not import {imported}"
        for package, importers in SOLE_IMPORTERS.items():
            if below(imported, [package]):
                assert below(name, importers), f"{name} may not import {imported}"


def test_the_walk_sees_a_forbidden_import(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("from accel.golden import conv\nimport rtl.top\n")
    assert imports(file) == {"accel.golden.conv", "rtl.top"}
    assert not below("accel.golden.conv", ALLOWED["rtl"])
