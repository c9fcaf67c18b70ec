"""Which version of the project this is."""

import importlib.metadata

#: What pip calls the project; import and command are ``accel``.
DISTRIBUTION = "cnn-accel"


def version() -> str:
    """The installed distribution's version; "unknown" where none is installed."""
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
