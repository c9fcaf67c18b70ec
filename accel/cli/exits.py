"""How a command ends: exit codes, and every error as one line on standard error.

0   everything agrees.
1   a compared byte differs, or the simulated machine itself reported an error or did not end; and
    nothing else, so that a script can rely on it.
2   bad input or usage: a file, an option, a network that cannot be used.
3   anything else: an error of this program, a tool that is missing, a full disk, no memory.
130 interrupted, 143 terminated; 141: nobody reads the output any more (what a shell makes of these
    signals).
"""

import contextlib
import errno
import os
import pathlib
import signal
import stat
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator

import click

from accel.errors import is_full, why

DIFFERS, USAGE, FAILED, INTERRUPTED, PIPE, TERMINATED = 1, 2, 3, 130, 141, 143
#: A place where this user may not write is a wrong one.
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
#: Where a command's context keeps what was typed behind the program's name.
ARGUMENTS = "accel.arguments"


class Terminated(KeyboardInterrupt):
    """Somebody wants the process to end: it does so as after Ctrl-C, and leaves nothing behind."""


@contextlib.contextmanager
def signals() -> Iterator[None]:
    """Let a signal to end, which would end Python at once, end the block as Ctrl-C does.

    The second one ends Python at once.
    """

    def end(number, frame):
        signal.signal(number, signal.SIG_DFL)
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [one for one in (signal.SIGTERM, signal.SIGHUP)
             if signal.getsignal(one) is signal.SIG_DFL]  # nohup ignores one
    for one in heard:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one in heard:
            signal.signal(one, signal.SIG_DFL)


def interruption(error: BaseException) -> tuple[str, int]:
    """What an interrupted command says and ends with."""
    if isinstance(error, Terminated):
        return "terminated", TERMINATED
    return "interrupted", INTERRUPTED


def failure(message: str, code: int) -> click.ClickException:
    """An error that ends the command with one line and a code."""
    exception = click.ClickException(" ".join(message.split()))
    exception.exit_code = code
    return exception


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Turn the package's own errors into one line and an exit code."""
    from accel.compiler import CompileError
    from accel.dse.errors import SweepError
    from accel.frontend import ModelError
    from accel.graph.ir import GraphError
    from accel.graph.ports import InputError
    from accel.host import HostError
    from accel.network import NetworkError
    from accel.npz import NpzError
    from accel.package.plan import PackageError
    from accel.page import PageError
    from accel.params import ParamError
    from accel.scalesim.errors import ScaleSimError
    from accel.sim.engine import MachineError, SimulationError
    from accel.train import TrainingError

    try:
        yield
    except (
        CompileError, ModelError, GraphError, ParamError, InputError, NetworkError, TrainingError,
        SweepError, ScaleSimError, NpzError, PackageError, PageError,
    ) as error:
        raise failure(str(error), FAILED if is_full(error) else USAGE) from error
    except MachineError as error:
        raise failure(str(error), DIFFERS) from error
    except (SimulationError, HostError) as error:
        raise failure(str(error), FAILED) from error


@contextlib.contextmanager
def everything(command: str) -> Iterator[None]:
    """Turn whatever else ends a command into one line and an exit code.

    Click itself ends with 1 for several of these.
    """
    try:
        with signals():
            yield
            sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else command
        raise failure(f"{error.format_message()} ({path} --help)", error.exit_code) from error
    except (click.ClickException, click.exceptions.Exit):
        raise
    except (KeyboardInterrupt, click.Abort) as error:
        raise failure(*interruption(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has seen enough
            _nobody_reads()
            raise click.exceptions.Exit(PIPE) from error
        if error.filename is None:
            error.filename = _what_failed(error)
        raise failure(why(error), USAGE if error.errno in _DENIED else FAILED) from error
    except Exception as error:
        ended = _behind(error, KeyboardInterrupt)
        message = (internal(error), FAILED) if ended is None else interruption(ended)
        raise failure(*message) from error


def _behind(error: BaseException | None, kind: type) -> BaseException | None:
    """What of a kind an error was made of: a C++ module that is interrupted while it is imported
    raises an ImportError."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def internal(error: BaseException) -> str:
    """One line about an error of this program; its traceback goes to a file, for a report of it."""
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}"
    *_, last = traceback.extract_tb(error.__traceback__) or [None]
    where = f" at {pathlib.Path(last.filename).name}, line {last.lineno}" if last else ""
    kept = ""
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix="accel-", suffix=".txt")
        with open(handle, "w", encoding="utf-8") as file:
            file.writelines(traceback.format_exception(error))
        kept = f"; please report it with {name}"
    return f"internal error{where}: {type(error).__name__}: {error}{kept}"


def _what_failed(error: OSError) -> str | None:
    """What could not be written where an error does not say: all results are named.

    So it is standard output, or on a full disk a temporary file; None if nobody can tell.
    """
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # no file at all
        return None
    try:
        sys.stdout.flush()
        found = os.fstat(number)
        fails = (os.fstatvfs(number).f_bavail == 0 if stat.S_ISREG(found.st_mode)
                 else found.st_rdev == os.makedev(1, 7))  # fmt: skip  # /dev/full
    except (OSError, ValueError):
        fails = True
    if fails:
        _nobody_reads()
        return "standard output"
    return tempfile.gettempdir() if is_full(error) else None


def _nobody_reads() -> None:
    """Let Python's own last flush of standard output go nowhere, not fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
