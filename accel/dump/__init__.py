"""Every layer of a run in files, to hold another implementation against.

A folder written here has ``index.json`` and a folder for each node of the network, in order:

    003_conv2/input0.npy        int8 [image, row, column, channel], what the node reads
    003_conv2/weights.npy       int8 [output, ky, kx, input]; bias, multiplier, shift, table
    003_conv2/output.npy        what the golden model makes of it
    003_conv2/output_rtl.npy    what the machine stored; not there where a layer behind is fused
    003_conv2/*.hex             the same for $readmemh
    003_conv2/stream0.hex       parameters and weights as the machine reads them from memory

In .hex files tensors are bytes in the order of their .npy file, ``word_bytes`` of them a line, the
first one in the lowest bits, zeroes behind the last; 32-bit numbers are a line each.  The index
says what is where, and everything else that a node needs: padding, zero points, rounding.
"""

from accel.dump.compare import Comparison, Difference, compare
from accel.dump.writer import INDEX, write

__all__ = ["INDEX", "Comparison", "Difference", "compare", "write"]
