"""The machine as WebAssembly: Verilator's C++ and today's harness, compiled by Zig's C++ compiler.

Zig comes from PyPI (``ziglang``) with Clang, a C++ library and all that WebAssembly needs.  Its
first link builds that library, which takes minutes; it is kept in the cache beside the builds.
"""

import dataclasses
import hashlib
import importlib.util
import pathlib
import sys

from accel.caches import writable_directory
from accel.page import probes
from accel.params import Params
from accel.rtl.top import Accelerator
from accel.sim.build import Builder, Flavour, Progress
from accel.sim.engine import SimulationError
from accel.sim.toolchain import PORTABLE_FLAGS, Toolchain, find_verilator

#: What JavaScript calls.
EXPORTS = (
    "page_begin", "page_advance", "page_cycle", "page_finished", "page_error", "page_values",
    "page_log", "page_gather", "page_port", "malloc", "free",
)  # fmt: skip
#: What runs once is made small: a page carries it.
_FLAVOUR = Flavour(runtime=("verilated", "verilated_dpi", "verilated_threads"), slow="-Os")
_HERE = pathlib.Path(__file__).parent
_HARNESS = pathlib.Path(sys.modules[Builder.__module__].__file__).with_name("harness.cpp")


def find_zig() -> tuple[str, ...]:
    """The command of Zig's C++ compiler.

    Raises:
        SimulationError: it is not installed.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise SimulationError(
            "Zig, which compiles the machine to WebAssembly, is missing: pip install "
            "'cnn-accel[page]'"
        )
    return sys.executable, "-m", "ziglang", "c++"


class WasmBuilder(Builder):
    """Builds and caches machines as WebAssembly modules, with what accel.page.probes reads."""

    def _made_for(self, compiler):
        cache = writable_directory() / "zig"
        sources = hashlib.sha256()
        for file in (_HARNESS, _HARNESS.with_name("dram.h"), _HERE / "shim.h"):
            sources.update(file.read_bytes())
        return Toolchain(
            command=find_zig(),
            name="Zig's C++ compiler",
            target=("-target", "wasm32-wasi"),
            flags=(
                "-target", "wasm32-wasi", "-include", str(_HERE / "shim.h"), f"-I{_HARNESS.parent}",
                # Zig checks for undefined behaviour by default; exceptions do not exist here.
                "-fno-sanitize=undefined", "-fno-exceptions", "-DNDEBUG",
                "-DVL_IGNORE_UNKNOWN_ARCH",
                # No page tells where it was built.
                f"-ffile-prefix-map={find_verilator()}=verilator",
                *PORTABLE_FLAGS, f"-DSOURCES={sources.hexdigest()}",
            ),
            link=(
                ("-target", "wasm32-wasi", "-mexec-model=reactor", "-s", "-O2"),
                tuple(f"-Wl,--export={name}" for name in EXPORTS),
            ),
            output="machine.wasm",
            environment={"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache)},
        )  # fmt: skip

    def _verilog(self, params, design, progress):
        self.marked = probes.Marked(super()._verilog(params, design, progress), params)
        # The accessors are a part of what is built, so they are a part of the entry's name.
        accessors = hashlib.sha256(self.marked.reader.encode()).hexdigest()
        return f"{self.marked.text}\n// read by {accessors}\n"

    def _verilated(self, work):
        (work / "probes.h").write_text(self.marked.reader)


@dataclasses.dataclass(frozen=True)
class Module:
    """A machine as a WebAssembly module, and where it puts what accel.page.probes names."""

    code: bytes
    places: dict[str, probes.Place]


def build(params: Params, progress: Progress | None = None) -> Module:
    """The machine of ``params`` as a WebAssembly module, built now or before.

    Raises:
        SimulationError: naming the step that failed, or what is missing.
    """
    builder = WasmBuilder(flavour=_FLAVOUR)
    path = builder.build(params, Accelerator, progress, _HERE / "page.cpp")
    return Module(path.read_bytes(), builder.marked.places)
