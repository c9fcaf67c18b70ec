"""How often integer factors answer all 65,536 pairs of bytes as ONNX Runtime's float32 does.

``python -m tests.support.exact_pairs --count 2000`` draws additions (QLinearAdd) and products
(QLinearMul) with random scales and zero points, every fourth with powers of two, lets the importer
choose their numbers, and counts the pairs that come out otherwise.  What ONNX Runtime computes is
held against its own operator by tests/frontend/onnx/test_runtime.py and test_products.py.
"""

import argparse
import collections

import numpy as np

from accel.frontend.onnx import add, mul
from accel.golden.requant import requantise_rows

_BYTES = np.arange(-128, 128)
_CENTRE = 128


def requantised(sums: np.ndarray, need) -> np.ndarray:
    """Sums of the shape [256, 256] through the golden model's requantiser."""
    out = np.empty(sums.shape, np.int8)
    multiplier, shift = (np.broadcast_to(one, sums.shape) for one in (need.multiplier, need.shift))
    requantise_rows(sums, multiplier, shift, int(need.rounding), need.zero_point, need.lo, need.hi,
                    out)  # fmt: skip
    return out


def addition(scales, zeros) -> int:
    """Pairs of bytes of an addition that differ."""
    def runtime(scales, zeros):
        return add.runtime_bytes(scales, zeros, _CENTRE)

    found = add.factors(scales, zeros, runtime, add.Effort())
    a, b = (add._scaled(zero, *one) for zero, one in zip(zeros, found.operands, strict=False))
    sums = (a[:, None] + b + found.offset).astype(np.int32)
    wanted = np.clip(runtime(scales, zeros), -128, 127)
    return int((requantised(sums, found.requant(zeros[2], -128, 127)) != wanted).sum())


def product(scales, zeros) -> int:
    """Pairs of bytes of a product that differ."""
    factor = np.float32(scales[0]) * np.float32(scales[1]) / np.float32(scales[2])
    products = np.multiply.outer(_BYTES - zeros[0], _BYTES - zeros[1]).astype(np.int32)
    need = mul.requant(scales, zeros, _CENTRE, -128, 127, add.Effort())
    wanted = mul.runtime_bytes(products, factor, zeros[2], _CENTRE) + zeros[2]
    return int((requantised(products, need) != wanted).sum())


def numbers(rng, what: str, powers: bool):
    """Scales that bring most results within a byte, and zero points."""
    if what == "QLinearAdd":
        scales = np.float32(np.exp(rng.uniform(np.log(0.004), np.log(0.2), 3)))
        scales[2] = scales[:2].max() * np.float32(rng.uniform(0.7, 2))
        if powers:
            scales[:2] = scales[2] * 2.0 ** -rng.integers(0, 4, 2)
    elif powers:
        scales = np.float32(2.0 ** -rng.integers(2, 8, 3))
    else:
        scales = np.float32(np.exp(rng.uniform(np.log(0.002), np.log(0.1), 3)))
        scales[2] = scales[0] * scales[1] * np.float32(rng.uniform(2000, 30000))
    return scales, rng.integers(-128, 128, 3).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for what, check in (("QLinearAdd", addition), ("QLinearMul", product)):
        for powers in (False, True):
            rng = np.random.default_rng([args.seed, powers])
            off = collections.Counter(
                check(*numbers(rng, what, powers)) for _ in range(args.count)
            )
            print(f"{what}, {'powers of two' if powers else 'random scales'}: all pairs equal in "
                  f"{off[0]:,} of {args.count:,}; pairs that differ in the others: "
                  f"{sorted((n, times) for n, times in off.items() if n)}")  # fmt: skip


if __name__ == "__main__":
    main()
