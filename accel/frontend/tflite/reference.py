"""What a float model computes inside, by LiteRT: the reference for its quantised form."""

import numpy as np

from accel import litert
from accel.frontend.quantising import original
from accel.frontend.tflite.prepare import Prepared

#: What the quantiser puts behind the names of tensors.
_SUFFIXES = ("_quantized", "_dequantized", "_requantized")


class Reference:
    """Runs a float model and gives what is asked for of the values inside.

    Parameters:
        model: the float model.
        tensors: names of the quantised network's tensors.

    Attributes:
        names: for each tensor that has a float value of its own, that value's name.
        outputs: names of the network's outputs.
        channels_last: how images lie in its values.
    """

    channels_last = True

    def __init__(self, model: Prepared, tensors):
        known = model.names
        names = {tensor: original(tensor, _SUFFIXES) for tensor in tensors}
        self.names = {tensor: name for tensor, name in names.items() if name in known}
        self.outputs = [model.records[index].name for index in model.outputs]
        self._inputs = [model.records[index].name for index in model.inputs]
        given = set(self._inputs)
        self._wanted = sorted({*self.names.values(), *self.outputs} - given)
        content = model.content(tuple(known[name] for name in self._wanted))
        self._interpreter = litert.Interpreter(content, reference=False)

    def run(self, image: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Values by name, for one image by input name; that is one of them."""
        values = self._interpreter.run([image[name] for name in self._inputs])
        return image | dict(zip(self._wanted, values, strict=True))
