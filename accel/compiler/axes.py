"""The axes of a graph node's windows, checked against the shapes of its tensors."""

from accel.compiler.errors import CompileError
from accel.compiler.layer import Axis
from accel.graph.ir import AveragePool, Conv, MaxPool, Tensor

_NAMES = ("rows", "columns")


def conv_axes(node: Conv, source: Tensor, target: Tensor) -> tuple[Axis, Axis]:
    """Rows and columns of a convolution.

    Raises:
        CompileError: the output is larger than the padded input gives.
    """
    axes = []
    for n, what in enumerate(_NAMES):
        size, outputs, kernel = source.shape[n], target.shape[n], node.weights.shape[1 + n]
        dilation = 1 if kernel == 1 else node.dilation[n]
        before, after = node.padding[n], node.padding[n + 2]
        axis = Axis(size, outputs, kernel, node.stride[n], before, dilation)
        if min(size, outputs, kernel, axis.stride, dilation) < 1 or min(before, after) < 0:
            raise CompileError(f"{node.name}: {what}: sizes must be positive, not {axis}")
        if axis.span(0, outputs)[1] > size + after:
            raise CompileError(
                f"{node.name}: {what}: {outputs} outputs need more than the {size} inputs and "
                f"{after} padding behind them"
            )
        axes.append(axis)
    return axes[0], axes[1]


def pool_axes(
    node: MaxPool | AveragePool, source: Tensor, target: Tensor
) -> tuple[Axis, Axis]:
    """Rows and columns of a pooling.

    Inputs behind the last window stay in: they are computed although no window looks at them, so
    that a layer's cycles relate to the multiplications of the network's own definition.

    Raises:
        CompileError: a window touches no input.
    """
    axes = []
    for n, what in enumerate(_NAMES):
        size, outputs, kernel = source.shape[n], target.shape[n], node.kernel[n]
        before = node.padding[n]
        axis = Axis(size, outputs, kernel, node.stride[n], before)
        if min(size, outputs, kernel, axis.stride) < 1 or before < 0:
            raise CompileError(f"{node.name}: {what}: sizes must be positive, not {axis}")
        if before >= kernel or (outputs - 1) * axis.stride - before >= size:
            raise CompileError(
                f"{node.name}: {what}: a pooling window lies wholly in the padding: {axis}"
            )
        if outputs == 1:
            # A single window: its padding and stride do not matter, and it ends with the input.
            kernel = min(kernel - before, size)
            axis = Axis(kernel, 1, kernel, kernel)
        axes.append(axis)
    return axes[0], axes[1]
