"""Float networks: layers on the golden model's functions, joined to a directed graph.

Shapes, parameter counts and MACs follow from the description alone; weights exist only after
:meth:`Network.initialise`.
"""

from accel.network.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from accel.network.joins import Add, Concat, Dropout, Flatten
from accel.network.layer import Layer, NetworkError
from accel.network.network import Network, Node
from accel.network.normalisations import LRN, BatchNorm
from accel.network.pools import AveragePool, GlobalAveragePool, MaxPool
from accel.network.weighted import Conv2d, Dense

__all__ = [
    "LRN", "Add", "AveragePool", "BatchNorm", "Concat", "Conv2d", "Dense", "Dropout", "Flatten",
    "GlobalAveragePool", "Layer", "LeakyReLU", "MaxPool", "Network", "NetworkError", "Node",
    "ReLU", "Sigmoid", "Tanh",
]  # fmt: skip
