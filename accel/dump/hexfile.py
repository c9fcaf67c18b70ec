"""Files for Verilog's $readmemh: one word a line, as hexadecimal digits."""

import re

import numpy as np

from accel.graph.ports import InputError

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


def words(values: np.ndarray, word_bytes: int) -> str:
    """Bytes as words of so many, the first byte lowest, zeroes behind the last; or numbers.

    Arrays of more than a byte an element have one element a line.
    """
    values = np.ascontiguousarray(values)
    if values.itemsize > 1:
        word_bytes = values.itemsize
    flat = values.reshape(-1).view(np.uint8)
    padded = np.zeros(-(-flat.size // word_bytes) * word_bytes, np.uint8)
    padded[: flat.size] = flat
    lines = padded.reshape(-1, word_bytes)[:, ::-1]
    return "".join(line.tobytes().hex() + "\n" for line in lines)


def read(text: str, dtype, count: int, word_bytes: int, where: str) -> np.ndarray:
    """``count`` elements of a file that :func:`words` or somebody else wrote.

    Raises:
        InputError: naming the file, the rule and the value.
    """
    size = np.dtype(dtype).itemsize
    width = size if size > 1 else word_bytes
    found = bytearray(-(-count * size // width) * width)
    at = known = 0
    for token in _COMMENT.sub(" ", text).split():
        digits = token.replace("_", "")
        if digits.startswith("@") and re.fullmatch("@[0-9a-fA-F]+", digits):
            at = int(digits[1:], 16)
            continue
        if not re.fullmatch("[0-9a-fA-F]+", digits) or len(digits.lstrip("0")) > 2 * width:
            raise InputError(
                f"{where}: word {at} must be hexadecimal digits of {width} bytes, not {token!r}"
            )
        if (at + 1) * width > len(found):
            raise InputError(f"{where}: must have {len(found) // width} words, has more")
        found[at * width : (at + 1) * width] = int(digits, 16).to_bytes(width, "little")
        at, known = at + 1, known + 1
    if known * width < len(found):
        raise InputError(f"{where}: must have {len(found) // width} words, not {known}")
    return np.frombuffer(bytes(found[: count * size]), dtype)
