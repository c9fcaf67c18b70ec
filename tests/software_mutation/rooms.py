"""What is mutated, by room, and the tests that are to notice."""

import pathlib

ROOT = pathlib.Path(__file__).parent.parent.parent
#: Results of a campaign, and which test runs which line.
BUILD = ROOT / "build" / "software_mutation"

#: A room's sources; of two that hold a file the first has it.
ROOMS = {
    "compiler": ("accel/compiler",),
    "importer of ONNX": ("accel/frontend/onnx",),
    "importer of TFLite": ("accel/frontend/tflite",),
    "importers, shared": ("accel/frontend",),
    "golden model": ("accel/golden", "accel/quant.py"),
    "graph": ("accel/graph",),
}

#: Folders and files of tests; a folder's are all below it.
TESTS = (
    "tests/compiler", "tests/frontend", "tests/golden", "tests/graph", "tests/test_quant.py",
    "tests/network", "tests/test_mapper.py", "tests/test_random_graphs.py",
)  # fmt: skip


def _files(places: tuple[str, ...], pattern: str) -> list[str]:
    found = {}
    for place in places:
        path = ROOT / place
        inside = sorted(path.rglob(pattern)) if path.is_dir() else [path]
        found |= dict.fromkeys(str(file.relative_to(ROOT)) for file in inside)
    return list(found)


def sources() -> list[str]:
    """The files that are mutated, from the project's root."""
    return _files(tuple(place for places in ROOMS.values() for place in places), "*.py")


def test_files() -> list[str]:
    """The files of tests, from the project's root."""
    return _files(TESTS, "test_*.py")


def room_of(source: str) -> str:
    """The room of one of ``sources``."""
    return next(
        room for room, places in ROOMS.items()
        if any(source == place or source.startswith(place + "/") for place in places)
    )  # fmt: skip
