"""The built-in networks: a network file each, and some real inputs to run it on.

Sources, licences and hashes of the files are in SOURCES.md beside this module.
"""

import dataclasses
import pathlib

_HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Builtin:
    """A network that ships with the project.

    ``inputs`` is an .npz file with ``images`` in the network's own layout and ``labels``.
    """

    name: str
    summary: str
    network: pathlib.Path
    inputs: pathlib.Path


BUILTIN: dict[str, Builtin] = {
    model.name: model
    for model in (
        Builtin(
            name="mnist",
            summary="mnist-8 of the ONNX model zoo, int8: two 5x5 convolutions, ten digits",
            network=_HERE / "mnist" / "mnist8.onnx",
            inputs=_HERE / "mnist" / "digits.npz",
        ),
    )
}
