"""SCALE-Sim's configuration files: the array and the dataflow of a run."""

import configparser
import dataclasses
import pathlib

from accel.errors import shortened, shown
from accel.scalesim.cycles import DATAFLOWS
from accel.scalesim.errors import ScaleSimError, read_lines, whole_number

_PRESETS = "architecture_presets"


@dataclasses.dataclass(frozen=True)
class Config:
    """What its compute cycles depend on: the array, and the dataflow that the run is set to.

    The rest of the file (buffers, bandwidth) only adds stalls, which its CALC mode has none of.
    """

    rows: int
    cols: int
    dataflow: str


def read_config(path: pathlib.Path) -> Config:
    """Read a configuration file.

    Raises:
        ScaleSimError: naming file, rule and value.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string("\n".join(read_lines(path)), str(path))
    except configparser.Error as error:
        what = shortened(" ".join(error.message.split()))
        raise ScaleSimError(f"{path}: is no configuration file: {what}") from error
    if not parser.has_section(_PRESETS):
        raise ScaleSimError(f"{path}: must have a section [{_PRESETS}]")
    presets = parser[_PRESETS]
    rows, cols = (_size(presets, name, path) for name in ("ArrayHeight", "ArrayWidth"))
    dataflow = presets.get("Dataflow", "").strip().lower()
    if dataflow not in DATAFLOWS:
        raise ScaleSimError(
            f"{path}: [{_PRESETS}] Dataflow must be one of {', '.join(DATAFLOWS)}, "
            f"not {shown(dataflow)}"
        )
    if parser.get("sparsity", "SparsitySupport", fallback="false").strip().lower() != "false":
        raise ScaleSimError(f"{path}: [sparsity] SparsitySupport must be false: layers are dense")
    return Config(rows, cols, dataflow)


def _size(presets: configparser.SectionProxy, name: str, path: pathlib.Path) -> int:
    text = presets.get(name, "").strip()
    number = whole_number(text)
    if number < 1:
        raise ScaleSimError(
            f"{path}: [{_PRESETS}] {name} must be a positive integer, not {shown(text)}"
        )
    return number
