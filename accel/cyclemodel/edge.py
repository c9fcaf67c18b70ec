"""How the blocks' functions are compiled: into their caller, the loop over the cycles."""

import numba

#: Nothing is allocated in the loop: without Numba's runtime no array is counted in and out, which
#: took most of the time.
OPTIONS = {"error_model": "numpy", "_nrt": False}
#: Decorator of a function that updates one block's registers, or looks at them.  It becomes part
#: of accel.cyclemodel.simulate's loop, which alone is kept on disk.
edge = numba.njit(forceinline=True, **OPTIONS)
#: The same for what is seldom called: a function of its own, compiled once.
seldom = numba.njit(**OPTIONS)

#: A cycle that is not reached.
NEVER = 1 << 62
