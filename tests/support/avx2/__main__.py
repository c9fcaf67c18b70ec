"""python -m tests.support.avx2 -- COMMAND...: see the package's docstring."""

import os
import pathlib
import sys

from tests.support.avx2 import missing, shadow

#: Haswell's, in LLVM's names; without them Numba would add this processor's own.
NUMBA_FEATURES = (
    "+64bit,+avx,+avx2,+bmi,+bmi2,+cmov,+cx16,+cx8,+f16c,+fma,+fsgsbase,+fxsr,+invpcid,+lzcnt,+mmx,"
    "+movbe,+pclmul,+popcnt,+rdrnd,+sahf,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave,+xsaveopt"
)


def newer_than_avx2() -> list[str]:
    """Features that the installed NumPy has kernels for and an AVX2 processor has not."""
    from numpy._core._multiarray_umath import __cpu_dispatch__  # NumPy has no public list of them

    return [name for name in __cpu_dispatch__ if name.startswith("AVX512") or name == "X86_V4"]


def environment(cache: pathlib.Path) -> dict[str, str]:
    """The variables of a process that takes this machine for an AVX2 one."""
    before = {name: os.environ.get(name, "") for name in ("PYTHONPATH", "LD_PRELOAD")}
    already = next((one for one in before["LD_PRELOAD"].split(":") if str(cache) in one), None)
    if already:  # within such a process what is imported has no `cpuid` left to replace
        packages, preload = pathlib.Path(already).with_name("packages"), already
    else:
        packages, preload = shadow.build(cache)
        if set(" :") & set(str(cache)):  # LD_PRELOAD has no way to write them
            raise SystemExit(f"tests.support.avx2: no blank or colon may be in {cache}")
    return {
        **os.environ,
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": NUMBA_FEATURES,
        "NPY_DISABLE_CPU_FEATURES": " ".join(newer_than_avx2()),
        "OPENBLAS_CORETYPE": "Haswell",
        # A program with the address sanitiser refuses what is loaded before it; ours is harmless.
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(packages), before["PYTHONPATH"]])),
        "LD_PRELOAD": ":".join(filter(None, [str(preload), before["LD_PRELOAD"]])),
    }


def main(arguments: list[str]) -> None:
    """Replace this process by the command."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        raise SystemExit("usage: python -m tests.support.avx2 -- COMMAND...")
    if missing():
        raise SystemExit(f"tests.support.avx2: needs {missing()}")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    os.execvpe(command[0], command, environment(cache / "accel" / "avx2"))


if __name__ == "__main__":
    main(sys.argv[1:])
