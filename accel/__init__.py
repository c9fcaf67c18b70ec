"""A CNN accelerator: RTL, golden model, compiler, simulation and reports.

    accel.run(model, images)           simulate a network on the RTL, compare with the golden model
    accel.golden_run(model, images)    the golden model alone
    accel.estimate(model)              the exact cycle model alone: what ``run`` would count
    accel.compile(model)               a network's program: commands, weights, places
    accel.sweep(model, folder)         many machines over one network
    accel.quantize(model, images, output)   a float .onnx file to an int8 one
    accel.open_network(model)          a network file or a built-in network as a Graph
    accel.progress_bar()               a bar for their ``progress``: in notebooks, on terminals

    accel.Params, accel.Memory         the hardware, and the memory behind it
    accel.Graph, accel.Result          a network; what ``run`` gives back
    accel.AccelError                   the base class of all errors; the others are here, too

What is public is loaded on first use, so that ``import accel.params`` stays free of Numba and
Amaranth's simulator: the parts of this package may only import each other as ARCHITECTURE.md says.

Installed, the machine and the networks are the folders ``rtl`` and ``models`` of this package.  In
a checkout they lie beside it, where a reader sees them first, and are found from here.
"""

import importlib
import pathlib
import typing

if typing.TYPE_CHECKING:
    from accel.compiler.errors import CompileError as CompileError
    from accel.dse.errors import SweepError as SweepError
    from accel.errors import AccelError as AccelError
    from accel.estimate import estimate as estimate
    from accel.fpga import FpgaError as FpgaError
    from accel.frontend.errors import CostError as CostError
    from accel.frontend.errors import EmptyError as EmptyError
    from accel.frontend.errors import FloatModelError as FloatModelError
    from accel.frontend.errors import ModelError as ModelError
    from accel.graph.ir import Graph as Graph
    from accel.graph.ir import GraphError as GraphError
    from accel.graph.ports import InputError as InputError
    from accel.host import HostError as HostError
    from accel.isa import EncodingError as EncodingError
    from accel.litert import LiteRTError as LiteRTError
    from accel.litert import LiteRTMissingError as LiteRTMissingError
    from accel.machines.errors import MachineFileError as MachineFileError
    from accel.network.layer import NetworkError as NetworkError
    from accel.npz import NpzError as NpzError
    from accel.opening import open_network as open_network
    from accel.own_folder import FolderError as FolderError
    from accel.package.plan import PackageError as PackageError
    from accel.page import PageError as PageError
    from accel.params import ParamError as ParamError
    from accel.params import Params as Params
    from accel.progress import progress_bar as progress_bar
    from accel.public import compile as compile
    from accel.public import quantize as quantize
    from accel.public import sweep as sweep
    from accel.quant import QuantError as QuantError
    from accel.result import Result as Result
    from accel.runner import Unfinished as Unfinished
    from accel.runner import golden_run as golden_run
    from accel.runner import run as run
    from accel.scalesim.errors import ScaleSimError as ScaleSimError
    from accel.sim.engine import MachineError as MachineError
    from accel.sim.engine import Memory as Memory
    from accel.sim.engine import SimulationError as SimulationError
    from accel.train.errors import TrainingError as TrainingError

#: Where each public name is defined.
_PUBLIC = {
    "progress_bar": "progress",
    "run": "runner", "golden_run": "runner", "estimate": "estimate", "compile": "public",
    "open_network": "opening", "quantize": "public", "sweep": "public", "Params": "params",
    "Memory": "sim.engine", "Graph": "graph.ir", "Result": "result", "AccelError": "errors",
    "CompileError": "compiler.errors", "CostError": "frontend.errors",
    "EmptyError": "frontend.errors", "EncodingError": "isa", "FloatModelError": "frontend.errors",
    "FolderError": "own_folder", "FpgaError": "fpga", "GraphError": "graph.ir", "HostError": "host",
    "InputError": "graph.ports", "LiteRTError": "litert", "LiteRTMissingError": "litert",
    "MachineError": "sim.engine",
    "MachineFileError": "machines.errors", "ModelError": "frontend.errors",
    "NetworkError": "network.layer", "NpzError": "npz",
    "PackageError": "package.plan", "PageError": "page",
    "ParamError": "params", "QuantError": "quant", "ScaleSimError": "scalesim.errors",
    "SimulationError": "sim.engine", "SweepError": "dse.errors", "TrainingError": "train.errors",
    "Unfinished": "runner",
}  # fmt: skip
__all__ = list(_PUBLIC)

if not pathlib.Path(__file__).with_name("rtl").is_dir():
    __path__.append(str(pathlib.Path(__file__).parents[1]))


def __getattr__(name: str) -> typing.Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"accel.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'accel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
