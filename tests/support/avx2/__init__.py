"""Any command as on a processor with AVX2 and nothing newer: no AVX-512, no VNNI, no AMX.

    python -m tests.support.avx2 -- python -m pytest -q -n auto
    python -m tests.support.avx2 -- accel bench golden

Numerical libraries ask the processor what it has, once, and choose their kernels by the answer.
So one program can compute different bytes on two machines, and a test that passes on a new machine
says little about an older one, with which many people work (Intel Haswell to Comet Lake, AMD Zen
to Zen 3).  Three libraries matter here, and they are told in three ways:

- **Numba** compiles for the processor that NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name.
- **NumPy** has NPY_DISABLE_CPU_FEATURES, its matrix product (OpenBLAS) OPENBLAS_CORETYPE.
- **ONNX Runtime** (and LiteRT, where it is installed) cannot be told: it executes `cpuid`, which
  Linux lets no program intercept on most processors.  So ``shadow`` copies the package's compiled
  libraries to the user's cache and replaces each `cpuid` by an illegal instruction of the same
  two bytes; ``cpuid.c``, loaded before them, answers it from a signal handler.  A folder with that
  copy stands first on PYTHONPATH; the installed package is not touched.

Once the kernels are chosen nothing differs from the older processor's program, so times are those
of its instructions at this machine's clock: benchmarks under this command mean something.

Not hidden: the machine's own compiler still sees the new processor (`-march=native` of a simulator
build), as do programs outside Python.  It needs Linux on x86-64, gcc and objdump (binutils).
"""

import platform
import shutil


def missing() -> str:
    """What this machine lacks for it; empty if nothing."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "Linux on x86-64"
    return ", ".join(tool for tool in ("gcc", "objdump") if shutil.which(tool) is None)
