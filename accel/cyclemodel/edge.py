"""How the blocks' functions are compiled: into their caller, the loop over the cycles."""

import numba
from numba.core.registry import CPUDispatcher

#: Nothing is allocated in the loop: without Numba's runtime no array is counted in and out, which
#: took most of the time.
OPTIONS = {"error_model": "numpy", "_nrt": False}
#: Without entrances from Python and C, which would take a quarter of the compiler's time.
_INSIDE = {"nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class _Inside(CPUDispatcher):
    """A function that only compiled ones call compiled: for Python it stays what it is."""

    def __call__(self, *arguments, **named):
        return self.py_func(*arguments, **named)


def _inside(function, forceinline):
    if numba.config.DISABLE_JIT:
        return function
    return _Inside(function, targetoptions={**OPTIONS, **_INSIDE, "forceinline": forceinline})


def edge(function):
    """Decorate a function that updates one block's registers, or looks at them.

    It becomes part of accel.cyclemodel.simulate's loop, which alone is kept on disk.
    """
    return _inside(function, True)


def seldom(function):
    """The same for what is seldom called: a function of its own, compiled once."""
    return _inside(function, False)


#: A cycle that is not reached.
NEVER = 1 << 62
