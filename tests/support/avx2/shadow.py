"""Copies of installed packages whose `cpuid` instructions have become illegal ones."""

import hashlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

#: Packages that choose kernels by `cpuid` and cannot be told otherwise.
PACKAGES = ("onnxruntime", "ai_edge_litert")
CPUID, UD0 = b"\x0f\xa2", b"\x0f\xff"
#: Bytes that are disassembled before what might be one.
RUN_UPS = 1024, 1021
_HANDLER = pathlib.Path(__file__).with_name("cpuid.c")


def build(cache: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Return the folder for PYTHONPATH and the library for LD_PRELOAD, made now or before.

    Args:
        cache: where they are kept, by a hash of what they are made of.
    """
    found = {name: folder for name in PACKAGES if (folder := _folder(name))}
    libraries = {name: sorted(folder.rglob("*.so*")) for name, folder in found.items()}
    key = hashlib.sha256(_HANDLER.read_bytes() + pathlib.Path(__file__).read_bytes())
    for paths in libraries.values():
        for path in paths:
            stat = path.stat()
            key.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    entry = cache / key.hexdigest()[:32]
    if not entry.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            made = pathlib.Path(work) / "made"
            made.mkdir()
            _compile(made / "cpuid.so")
            for name, folder in found.items():
                _copy(folder, made / "packages" / name, libraries[name])
            try:
                made.rename(entry)
            except OSError:  # another process was faster
                if not entry.exists():
                    raise
    return entry / "packages", entry / "cpuid.so"


def sites(library: pathlib.Path) -> list[int]:
    """Offsets in a file at which it has a `cpuid` instruction.

    The two bytes also occur within other instructions and in data: only a disassembler knows.  It
    begins some bytes before, and is in step with the instructions long before it comes there: from
    two beginnings it must say the same.
    """
    headers = _run("objdump", "-h", "-w", library)
    # Idx Name Size VMA LMA File-offset Alignment Flags
    pattern = r"^ *\d+ \S+ +([0-9a-f]+) +([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) .*\bCODE\b"
    sections = [[int(number, 16) for number in row] for row in re.findall(pattern, headers, re.M)]
    offsets = []
    for found in re.finditer(re.escape(CPUID), library.read_bytes()):
        for size, start, offset in sections:
            if offset <= found.start() < offset + size:
                address = start + found.start() - offset
                said = {_is_cpuid(library, address, max(start, address - up)) for up in RUN_UPS}
                if len(said) > 1:
                    raise SystemExit(f"{library}: is there a cpuid at {address:#x}?")
                if said == {True}:
                    offsets.append(found.start())
    return offsets


def _is_cpuid(library: pathlib.Path, address: int, start: int) -> bool:
    """Whether there is one at an address, disassembled from ``start`` on."""
    listing = _run("objdump", "-d", "--no-show-raw-insn", f"--start-address={start}",
                   f"--stop-address={address + 16}", library)  # fmt: skip
    return bool(re.search(rf"^ *0*{address:x}:\tcpuid", listing, re.M))


def patch(source: pathlib.Path, target: pathlib.Path) -> int:
    """Copy a library with every `cpuid` replaced; return how many there were."""
    data = bytearray(source.read_bytes())
    offsets = sites(source)
    for offset in offsets:
        data[offset : offset + 2] = UD0
    target.write_bytes(data)
    shutil.copymode(source, target)
    return len(offsets)


def _copy(source: pathlib.Path, target: pathlib.Path, libraries: list[pathlib.Path]) -> None:
    """Make a folder like ``source``: links to its files, and patched copies of its libraries."""
    for path in sorted(source.rglob("*")):
        if path.is_dir() or path.suffix == ".pyc":
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path in libraries:
            patch(path, place)
        else:
            place.symlink_to(path)


def _folder(package: str) -> pathlib.Path | None:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    return pathlib.Path(os.path.abspath(spec.origin)).parent if spec and spec.origin else None


def _compile(target: pathlib.Path) -> None:
    _run("gcc", "-O2", "-fPIC", "-shared", "-Wall", "-Werror", "-o", target, _HANDLER, "-ldl")


def _run(*command) -> str:
    """Output of a program; an error says what it wrote."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{command[0]}: {result.stderr.strip()}")
    return result.stdout
