"""Memories without initial contents, where these are all zero.

That is what Verilator's memories hold without being told, and a machine's are megabytes of text,
which would cost Yosys a quarter of its time.
"""

import re

_CELL = re.compile(r"^  cell \$meminit_v2 \S+\n(?P<body>(?:    .*\n)*)  end\n", re.M)
_ZERO = re.compile(r"^    connect \\DATA \d+'0+$", re.M)


def without_zeroes(text: str) -> str:
    """Return RTLIL ``text`` without the ``$meminit_v2`` cells whose data is all zero."""
    return _CELL.sub(lambda cell: "" if _ZERO.search(cell["body"]) else cell[0], text)
