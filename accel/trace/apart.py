"""The run that writes a waveform, in a process of its own.

Where a disk is full, Verilator's writers of waveforms end the process that they are in, or stop it.
"""

import errno
import multiprocessing
import os
import pathlib
import shutil
import threading
import time

from accel.dse.processes import end_with_parent, nobodys_main
from accel.params import Params
from accel.sim.engine import Outcome, SimulationError
from accel.sim.verilator import Machine, load

#: Bytes: with less the disk was full when the process ended.
_FULL = 1 << 20
#: Seconds of the processor in which a process computes nothing, of so many seconds; so often in
#: turn it may on a slow disk.
_IDLE, _PATIENCE, _ROUNDS = 0.05, 5.0, 12


def run(
    library: pathlib.Path, params: Params, waveform: tuple[pathlib.Path, int, int], arguments,
    options,
) -> Outcome:
    """Run a program on a machine's library (see accel.sim.engine.Engine), writing a waveform.

    Raises:
        OSError: the waveform cannot be written.
        SimulationError: as the engine does.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_run, args=(theirs, library, params, waveform), daemon=True)
    with nobodys_main():
        child.start()
    theirs.close()
    try:
        ours.send((arguments, options))
        answer = ours.recv()
    except (EOFError, OSError):
        child.join()
        raise _ended(waveform[0], child.exitcode) from None
    finally:
        ours.close()
        child.kill()
        child.join()
    if isinstance(answer, SimulationError):
        raise answer
    outcome, arguments[0][:] = answer
    return outcome


def _run(pipe, library: pathlib.Path, params: Params, waveform) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Thread(target=_end_if_stuck, args=(waveform[0].parent,), daemon=True).start()
    for output in (1, 2):  # what Verilator says when it ends the process
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    arguments, options = pipe.recv()
    machine = Machine(load(library), params)
    machine.waveform = waveform
    try:
        outcome = machine.run(*arguments, **options)
    except SimulationError as error:
        pipe.send(error)
        return
    finally:
        machine.end()  # which writes the rest
    pipe.send((outcome, arguments[0]))


def _end_if_stuck(folder: pathlib.Path) -> None:
    """End the process when it computes nothing any more: soon if the disk is full.

    Verilator's writer of .vcd, when it fails at the file's end, waits for itself.
    """
    idle = 0
    while idle < _ROUNDS and not (idle and _is_full(folder)):
        before = time.process_time()
        time.sleep(_PATIENCE)
        idle = idle + 1 if time.process_time() - before < _IDLE else 0
    os._exit(1)


def _is_full(folder: pathlib.Path) -> bool:
    return shutil.disk_usage(folder).free < _FULL


def _ended(path: pathlib.Path, status: int | None) -> OSError:
    """Why the process ended before it answered."""
    if _is_full(path.parent):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return OSError(errno.EIO, f"the simulator, which writes it, ended with {status}", str(path))
