"""Which version of the project this is."""

import importlib.metadata

#: What is installed: the distribution's name, which is not that of the import package.
DISTRIBUTION = "cnn-accel"


def version() -> str:
    """The installed version; "unknown" in a checkout that is only on the path."""
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
