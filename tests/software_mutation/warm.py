"""A process that has imported what is slow to import, and forks a child for each piece of work."""

import contextlib
import gc
import importlib
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable

#: What tests import of others: a second or more, which a fork does not pay again.
THIRD_PARTY = (
    "numpy", "numba", "llvmlite.binding", "pytest", "onnx", "onnxruntime", "tflite",
    "ai_edge_litert.interpreter", "amaranth.sim", "amaranth.back.rtlil", "click", "rich.table",
)  # fmt: skip
#: Bytes of memory a child may have: a mutant may ask for all there is.
MEMORY = 8 << 30
#: What a child that was ended for its time has said.
LATE = "out of time"


def imports() -> None:
    """Import what children will need; of this project nothing, for they change it."""
    for name in THIRD_PARTY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    own = [name for name in sys.modules if name == "accel" or name.startswith("accel.")]
    if own:
        raise AssertionError(f"imported before any mutant could be planted: {own}")
    gc.freeze()  # pytest collects garbage five times: children need not look at all this


def allow(seconds: float) -> None:
    """End this process, whatever it does, when it has computed for so long from now on.

    It is the processor's time that counts: on a busy machine nothing is ended for being slow.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # no handler: compiled code would not call it
    signal.setitimer(signal.ITIMER_PROF, seconds)


def call(work: Callable[[Callable[[str], None]], None], seconds: float) -> tuple[str, float]:
    """Call ``work`` in a forked child, which gets a function that sends text to this process.

    Returns:
        What it sent, ending with LATE if it was ended after ``seconds``, or for what ``allow``
        allows; or with the traceback or the signal of a child that broke.  And the seconds.
    """
    reading, writing = os.pipe()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_child(work, writing))
    os.close(writing)
    said, late = _read(reading, begun + seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # its own children, too
    _, status = os.waitpid(child, 0)
    late |= os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
    if late:
        said += f"\n{LATE}"
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
        said += f"\nended by signal {os.WTERMSIG(status)}"
    return said, time.monotonic() - begun


def _child(work, writing: int) -> int:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)

    def send(text: str) -> None:
        os.write(writing, text.encode())

    try:
        work(send)
    except BaseException:
        send(traceback.format_exc())
    return 0


def _read(reading: int, until: float) -> tuple[str, bool]:
    """All that comes until the pipe is closed or the time is over, and whether it was over."""
    parts = []
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while (left := until - time.monotonic()) > 0:
            if select.select([pipe], [], [], left)[0]:
                part = pipe.read(1 << 16)
                if not part:
                    return b"".join(parts).decode(), False
                parts.append(part)
    return b"".join(parts).decode(), True
