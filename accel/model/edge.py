"""How the blocks' functions are compiled: into their caller, the loop over the cycles."""

import numba

#: Decorator of a function that updates one block's registers, or looks at them.  It becomes part
#: of accel.model.simulate's loop, which alone is kept on disk.
edge = numba.njit(forceinline=True, error_model="numpy")

#: A cycle that is not reached.
NEVER = 1 << 62
