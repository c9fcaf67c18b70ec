"""What every benchmark's report begins with: when and on what it was measured."""

import contextlib
import datetime
import importlib.metadata
import os
import pathlib
import platform


def header(*packages: str) -> dict:
    """Schema, date, machine, and the versions of Python, this project and ``packages``."""
    return {
        "schema": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {
            "python": platform.python_version(), "accel": importlib.metadata.version("cnn-accel"),
        } | {name: importlib.metadata.version(name) for name in packages},
    }


def _machine() -> dict:
    """The processor and how many cores of it there are."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cores": os.cpu_count()}
