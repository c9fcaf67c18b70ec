"""LiteRT, the runtime of TFLite files, with its reference kernels: the only maker of interpreters.

The reference kernels ("BUILTIN_REF") are what "byte for byte" means for TFLite files: plain loops,
the same on every processor.  LiteRT's default kernels and delegates differ from them, and from each
other, by some steps.

LiteRT trusts its files: a damaged one may end the process.  So it has one of its own, worker.py,
which is started when it is first needed and again where a model has ended it.
"""

import atexit
import contextlib
import importlib.metadata
import json
import os
import pathlib
import pickle
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence

import numpy as np

from accel.errors import AccelError

#: Seconds in which LiteRT must have prepared a model.
PATIENCE = 15
_WORKER = pathlib.Path(__file__).with_name("worker.py")
_QUANTIZER = _WORKER.with_name("quantizer.py")


class LiteRTError(AccelError, RuntimeError):
    """LiteRT refuses a model; one line."""


class LiteRTMissingError(LiteRTError):
    """LiteRT is not installed."""


class Interpreter:
    """A model, ready to run.

    Parameters:
        model: the file's bytes.
        reference: have reference kernels compute it, or else fast ones.

    Attributes:
        shapes: of the outputs, as far as they follow from those of the inputs.

    Raises:
        LiteRTError: what LiteRT says of it.
    """

    def __init__(self, model: bytes, reference: bool = True):
        self._model, self._reference, self._process = model, reference, None
        with _LOCK:
            self._open()

    def _open(self) -> None:
        process = _Process.current()
        self._number, self.shapes = process.ask(
            "open", self._model, self._reference, patience=PATIENCE)
        self._process = process

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute the outputs from the inputs, both in the model's order.

        Raises:
            LiteRTError: what LiteRT says of it.
        """
        with _LOCK:
            if self._process is not _Process.current():
                self._open()
            return self._process.ask("run", self._number, list(inputs))

    def __del__(self):
        if self._process is not None:
            self._process.unused.append(self._number)


def quantize(model: bytes, images: Sequence[np.ndarray], per_channel: bool,
             keep: Sequence[str]) -> bytes:
    """Quantise a float model with a signature to int8, in a process of its own.

    Args:
        model: the file's bytes.
        images: for each input in order, float32, along the first axis.
        per_channel: whether each channel of the weights has a scale of its own.
        keep: regular expressions for the names of operators that stay float.

    Raises:
        LiteRTError: what ai-edge-quantizer says of it.
    """
    quantizer_version()
    with tempfile.TemporaryDirectory(prefix="accel-") as folder:
        place = pathlib.Path(folder)
        (place / "model.tflite").write_bytes(model)
        np.savez(place / "images.npz", **{f"in{n}": array for n, array in enumerate(images)})
        options = json.dumps({"per_channel": per_channel, "keep": list(keep)})
        done = subprocess.run(
            [sys.executable, "-P", str(_QUANTIZER), folder, options], capture_output=True,
            text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            raise LiteRTError(" ".join(said[-1].split()))
        return (place / "int8.tflite").read_bytes()


def quantizer_version() -> str:
    """The version of ai-edge-quantizer.

    Raises:
        LiteRTMissingError: it is not installed.
    """
    try:
        return importlib.metadata.version("ai-edge-quantizer")
    except importlib.metadata.PackageNotFoundError:
        raise LiteRTMissingError(
            "float TFLite files need Google's quantiser: pip install ai-edge-quantizer"
        ) from None


_LOCK = threading.Lock()


class _Process:
    """The process with LiteRT in it, of which this one has one."""

    _known: "_Process | None" = None

    @classmethod
    def here(cls) -> "_Process | None":
        """The process that this one started, if it runs; none that a fork has taken over."""
        known = cls._known
        return known if known and known.owner == os.getpid() and known.lives else None

    @classmethod
    def current(cls) -> "_Process":
        """The process, started if need be."""
        found = cls.here()
        if found is None:
            found = cls._known = cls()
        return found

    def __init__(self):
        self.owner, self.lives = os.getpid(), True
        self.unused: list[int] = []  # models that nobody has any more
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        atexit.register(self.end)
        try:
            self.ask("start")
        except LiteRTError:
            self.end()
            raise

    def ask(self, *request, patience: float | None = None):
        """Send a request and return what comes back.

        Raises:
            LiteRTError: the process, or LiteRT in it, failed.
        """
        try:
            unused, self.unused = self.unused, []
            pickle.dump((unused, *request), self._child.stdin)
            self._child.stdin.flush()
            if patience and not select.select([self._child.stdout], [], [], patience)[0]:
                self.end()
                raise LiteRTError(f"it did not answer within {patience} s")
            kind, answer = pickle.load(self._child.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise LiteRTError(f"it ended with status {self.end()}") from None
        if kind is not None:
            raise {"missing": LiteRTMissingError}.get(kind, LiteRTError)(answer)
        return answer

    def end(self) -> int:
        """End the process, if it still runs and is this one's, and return its status."""
        self.lives = False
        if self.owner == os.getpid():
            for stream in (self._child.stdin, self._child.stdout):
                with contextlib.suppress(OSError):
                    stream.close()
            try:
                self._child.wait(1)
            except subprocess.TimeoutExpired:
                self._child.kill()
            atexit.unregister(self.end)
            return self._child.wait()
        return 0
