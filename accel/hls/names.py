"""Names of a network, which may be any text, as C++ identifiers, comments and strings."""

import re
from collections.abc import Iterable

_WORDS = (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t "
    "char32_t class compl const constexpr const_cast continue decltype default delete do double "
    "dynamic_cast else enum explicit export extern false float for friend goto if inline int long "
    "mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "register reinterpret_cast return short signed sizeof static static_assert static_cast struct "
    "switch template this thread_local throw true try typedef typeid typename union unsigned using "
    "virtual void volatile wchar_t while xor xor_eq "
    "assert errno linux unix i386"  # macros, in small letters
)
_RESERVED = frozenset(_WORDS.split())


def identifier(text: str) -> str:
    """Return the C++ identifier nearest to ``text``: no keyword, no macro, nothing reserved."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", text).strip("_") or "unnamed"
    if plain[0].isdigit():
        plain = f"n{plain}"
    # Names in capitals may be macros of some header.
    return f"{plain}_" if plain in _RESERVED or plain.upper() == plain else plain


def unique(texts: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a different identifier for every text, none of which is ``taken``."""
    found, used = {}, set(taken)
    for text in texts:
        name, number = identifier(text), 1
        while (candidate := name if number == 1 else f"{name}_{number}") in used:
            number += 1
        used.add(candidate)
        found[text] = candidate
    return found


def comment(text: str) -> str:
    """Return ``text`` for a comment: a line break, \\ or ??/ could end or continue it."""
    return re.sub(r"[^0-9A-Za-z ./:,()\[\]<>=+_-]", "_", text)


def string(text: str) -> str:
    """Return ``text`` as a C++ string literal."""
    def escaped(byte: int) -> str:
        kept = 32 <= byte < 127 and chr(byte) not in '"\\?'  # ?? starts a trigraph
        return chr(byte) if kept else f"\\{byte:03o}"

    return f'"{"".join(map(escaped, text.encode()))}"'
