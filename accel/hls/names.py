"""Names of a network, which may be any text, as C++ identifiers and in comments."""

import re
from collections.abc import Iterable, Mapping

#: Longer names (converters join those of all the operations that they fuse) are not taken over.
LONGEST = 24
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
    # Names in capitals may be macros of some header; two underscores in a row are the compiler's.
    return f"n_{plain}" if plain in _RESERVED or plain.upper() == plain else plain


def unique(texts: Mapping[str, str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a different identifier for every text, none of which is ``taken``.

    ``texts`` are the names and, for what is too long, others.
    """
    found, used = {}, set(taken)
    for text, other in texts.items():
        name, number = identifier(text if len(text) <= LONGEST else other), 1
        while (candidate := name if number == 1 else f"{name}_{number}") in used:
            number += 1
        used.add(candidate)
        found[text] = candidate
    return found


def comment(text: str) -> str:
    """Return ``text`` for a comment or a page, shortened and without what could end a comment."""
    plain = re.sub(r"[^0-9A-Za-z ./:,()\[\]<>=+_-]", "_", text)
    return plain if len(plain) <= 2 * LONGEST else f"{plain[: 2 * LONGEST - 3]}..."
