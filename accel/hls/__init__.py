"""An int8 network as plain C++: the golden model's layers once more, as loop nests for HLS.

``layers.h`` and ``testbench.cpp`` beside these modules are written by hand and go into every
export as they are; what differs between networks is generated: shapes, a top function that calls
the layers one by one, and binary files of constants, images and expected bytes.  The C++ computes
on its own: only the bytes it is compared with come from the golden model.
"""

from accel.hls.exporter import export

__all__ = ["export"]
