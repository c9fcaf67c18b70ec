"""int8 networks from definitions: seeded random weights, plausible quantisation.

A definition (accel.network) has no trained weights.  With random ones it is still a network of
the right shape, to be simulated, timed and compared byte for byte; its classes mean nothing.
"""

from accel.seeded.build import build
from accel.seeded.images import images

__all__ = ["SEED", "build", "images"]

#: Of the weights and images of built-in networks.
SEED = 1
