"""A trained network as inference needs it: no dropout, batch normalisation inside the weights."""

import copy

from accel.golden.normalise import fold_batch_norm
from accel.network.joins import Dropout
from accel.network.network import Network
from accel.network.normalisations import BatchNorm
from accel.network.weighted import Conv2d, Dense


def fold(network: Network) -> Network:
    """Return a network that computes the same inference with fewer layers.

    Dropout goes; batch normalisation goes into the convolution or dense layer before it, where it
    is that layer's only reader.  The given network is left as it is.
    """
    readers = {}
    for node in network.nodes:
        for given in node.inputs:
            readers[given] = readers.get(given, 0) + 1
    folded = Network(network.name, network.input_shape, network.summary)
    layers, stands_for = {}, {Network.INPUT: Network.INPUT}
    for node in network.nodes:
        inputs = [stands_for[given] for given in node.inputs]
        before = layers.get(node.inputs[0])
        if isinstance(node.layer, Dropout):
            stands_for[node.name] = inputs[0]
        elif (
            isinstance(node.layer, BatchNorm)
            and isinstance(before, Conv2d | Dense)
            and readers[node.inputs[0]] == 1
        ):
            _fold_into(before, node.layer)
            stands_for[node.name] = inputs[0]
        else:
            layer = copy.copy(node.layer)
            layer.parameters = dict(node.layer.parameters)
            layers[node.name] = layer
            stands_for[node.name] = folded.add(layer, *inputs, name=node.name)
    return folded


def _fold_into(layer: Conv2d | Dense, norm: BatchNorm) -> None:
    """Replace a layer's weights and bias by ones that normalise too."""
    weights = layer.parameters["weights"]
    as_filters = weights.reshape(*weights.shape, *(1,) * (4 - weights.ndim))
    folded, bias = fold_batch_norm(
        as_filters, layer.parameters.get("bias"), *norm.parameters.values(),
        *norm.state.values(), epsilon=norm.epsilon,
    )  # fmt: skip
    layer.bias = True
    layer.parameters.update(weights=folded.reshape(weights.shape), bias=bias)
