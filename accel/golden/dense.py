"""Fully connected layer and its gradients: ONNX's Gemm with transposed weights."""

import numpy as np

from accel.golden.check import floating, like, typed


def _checked(x, w) -> None:
    floating("x", x, 2)
    typed("w", w, (x.dtype,), 2)
    like("w", w, (len(w), x.shape[1]), x.dtype)


def dense(x, w, b=None) -> np.ndarray:
    """Compute y = x @ w.T + b.

    Args:
        x: float32 or float64 [batch, inputs]; an image is flattened first (x.reshape(batch, -1)).
        w: x's dtype [outputs, inputs].
        b: x's dtype [outputs], or None for no bias.

    Returns:
        [batch, outputs].

    Raises:
        ValueError: a dtype or shape breaks these rules.
    """
    _checked(x, w)
    y = x @ w.T
    if b is not None:
        y += like("b", b, (len(w),), x.dtype)
    return y


def dense_backward(dy, x, w, *, bias=True):
    """Gradients of a loss through dense: dx = dy @ w, dw = dy.T @ x, db = dy summed.

    Args:
        dy: x's dtype [batch, outputs], the gradient by the output.
        x: the layer's input [batch, inputs].
        w: the layer's weights [outputs, inputs].
        bias: whether db is wanted.

    Returns:
        (dx, dw, db); db is None without ``bias``.

    Raises:
        ValueError: a dtype or shape breaks these rules.
    """
    _checked(x, w)
    like("dy", dy, (len(x), len(w)), x.dtype)
    return dy @ w, dy.T @ x, dy.sum(0) if bias else None
