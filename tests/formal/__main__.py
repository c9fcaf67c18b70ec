"""Runs all proofs and searches for all planted bugs: ``python -m tests.formal [-o FILE]``."""

import argparse
import pathlib
import sys
import time

from tests.formal.cases import CASES
from tests.formal.deadlock import FORMS
from tests.formal.prove import Refuted
from tests.formal.tools import Unproved, missing

#: Where the report goes if nothing else is asked for.
REPORT = pathlib.Path("reports/formal.md")
HEAD = """\
# Formal proofs

Written by `python -m tests.formal`; how they work is said in `tests/formal/prove.py`, what exactly
is claimed and assumed in the functions that build them (`tests/formal/*.py`).

*induction, k = n* is a proof for all time by k-induction with Z3; *netlist* one that no gates lead
from the one signal to the other.  The planted bugs are changes to the block's own source that the
same claims must refute; of the deadlocks, rules of the listed form that are left out.

"""


def main() -> int:
    """Write the report; return 1 if a proof failed or a planted bug was not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.formal", description=__doc__)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=REPORT)
    parser.add_argument("--quick", action="store_true", help="leave the long proofs out")
    arguments = parser.parse_args()
    if missing():
        print(missing(), file=sys.stderr)
        return 2
    cases = [case for case in (*CASES, *FORMS) if not (case.campaign and arguments.quick)]
    rows, good = [], True
    for case in cases:
        proved, result, seconds = _prove(case)
        found = sum(_found(case, bug) for bug in case.bugs)
        good = good and proved and found == len(case.bugs)
        bugs = f"{found} of {len(case.bugs)}" if case.bugs else ""
        rows.append((case.name, case.says, case.method, result, f"{seconds:.1f}", bugs))
        print(" | ".join(rows[-1]), flush=True)
    titles = ("proof", "property", "method", "result", "seconds", "planted bugs found")
    lines = [titles, tuple("-" * len(title) for title in titles), *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    arguments.output.write_text(HEAD + table, encoding="utf-8")
    return 0 if good else 1


def _prove(case):
    """Whether it was proved, that in words, and the seconds."""
    begun = time.monotonic()
    try:
        proof = case.prove()
    except (Refuted, Unproved) as error:
        print(error, file=sys.stderr)
        what = "REFUTED" if isinstance(error, Refuted) else "not proved"
        return False, what, time.monotonic() - begun
    return True, f"proved, {proof.asserts} claims", proof.seconds


def _found(case, bug):
    """Whether the claims refute the block with ``bug``."""
    try:
        case.look_for(bug)
    except Refuted:
        return True
    except Unproved as error:
        print(error, file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main())
