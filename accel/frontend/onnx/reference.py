"""What a float model computes inside, by ONNX Runtime: the reference for its quantised form."""

import numpy as np
import onnx

from accel import onnx_session
from accel.frontend.quantising import original

#: What ONNX Runtime's quantiser puts behind the names of values, in the files' two forms.
_SUFFIXES = ("_QuantizeLinear_Output", "_quantized")


class Reference:
    """Runs a float model and gives what is asked for of the values inside.

    Parameters:
        model: the float model.
        tensors: names of the quantised network's tensors.

    Attributes:
        names: for each tensor that has a float value of its own, that value's name.
        outputs: names of the network's outputs.
    """

    def __init__(self, model: onnx.ModelProto, tensors):
        made = {name for node in model.graph.node for name in node.output if name}
        given = {value.name for value in model.graph.input}
        names = {tensor: original(tensor, _SUFFIXES) for tensor in tensors}
        self.names = {tensor: name for tensor, name in names.items() if name in made | given}
        self.outputs = [value.name for value in model.graph.output]
        self._wanted = sorted({*self.names.values(), *self.outputs} - given)
        open_model = onnx.ModelProto()
        open_model.CopyFrom(model)
        open_model.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in self._wanted if name not in self.outputs
        )
        self._session = onnx_session.session(open_model)

    def run(self, image: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Values by name, for one image by input name; that is one of them."""
        return image | dict(zip(self._wanted, self._session.run(self._wanted, image), strict=True))
