"""The waveform of one layer on the machine's RTL.

A first run, of which nothing is written, tells when the layer begins and ends: by the machine's own
counters.  A second one writes just these cycles.
"""

from accel.trace.layer import START, Waveform, trace

__all__ = ["START", "Waveform", "trace"]
