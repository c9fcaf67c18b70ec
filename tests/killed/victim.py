"""Runs a module as ``python -m`` does, and ends it by a signal before its n-th file operation.

    python -m tests.killed.victim N SIGNAL COUNTED MODULE ARGUMENT...

With N = 0 nothing ends it; the file COUNTED gets the number of its operations.
"""

import atexit
import os
import pathlib
import runpy
import signal
import sys

#: What Python tells an audit hook of before it changes something in a file system.
_CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.link",
    "os.symlink", "os.utime", "shutil.rmtree", "fcntl.flock", "subprocess.Popen",
}  # fmt: skip


def watch(moment: int, number: int, counted: pathlib.Path) -> None:
    """Count this process's file operations; send it a signal before one of them."""
    done = 0

    def hook(event, arguments):
        nonlocal done
        writes = event == "open" and (
            set(arguments[1] or "") & set("wax+") or arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in _CHANGES or writes:
            done += 1
            if done == moment:
                os.kill(os.getpid(), number)

    sys.addaudithook(hook)
    if not moment:
        atexit.register(lambda: counted.write_text(str(done)))


if __name__ == "__main__":
    moment, number, counted, module = sys.argv[1:5]
    sys.argv = [module, *sys.argv[5:]]
    # What a shell put into the background ignores this signal, and so do all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    watch(int(moment), int(number), pathlib.Path(counted))
    runpy.run_module(module, run_name="__main__", alter_sys=True)
