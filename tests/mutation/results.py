"""Verdicts in a file, so that a campaign goes on where it ended, also with other cases.

A mutant is known by its number among those of a netlist, a case by a digest of all that it is.
What noticed a mutant notices it again; of one that nothing noticed it is kept which cases did not.
"""

import json
import pathlib


class Results:
    """Verdicts on the mutants of ``netlist``, kept in the file ``path`` or nowhere.

    In the file: ``netlist``, its digest; those of another one are forgotten; ``noticed``, the case
    by the mutant; ``passed``, the cases that a mutant got by, as the number of a list in ``lists``;
    ``proofs``, how a mutant is proved to change nothing, or nothing where that failed.
    """

    def __init__(self, path: pathlib.Path | None = None, netlist: str = ""):
        self._path, self._netlist = path, netlist
        there = path is not None and path.exists()
        kept = json.loads(path.read_text(encoding="utf-8")) if there else {}
        if kept.get("netlist") != netlist:
            kept = {}
        self._noticed: dict[str, str] = kept.get("noticed", {})
        self._passed: dict[str, int] = kept.get("passed", {})
        self._lists: list[list[str]] = kept.get("lists", [])
        self.proofs: dict[str, str] = kept.get("proofs", {})

    def left(self, mutant: str, cases: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the cases a mutant has to be tried with; one that is proved, with none."""
        if self._noticed.get(mutant) in cases or self.proofs.get(mutant):
            return ()
        passed = {*self._got_by(mutant)}
        return tuple(case for case in cases if case not in passed)

    def add(self, mutant: str, noticed_by: str | None, cases: tuple[str, ...]) -> None:
        """Keep what became of a mutant that was tried with what was left of ``cases``."""
        if noticed_by:
            self._noticed[mutant] = noticed_by
            return
        passed = sorted({*self._got_by(mutant), *cases})
        if passed not in self._lists:
            self._lists.append(passed)
        self._passed[mutant] = self._lists.index(passed)
        self._noticed.pop(mutant, None)

    def of(self, mutant: str, cases) -> str | None | bool:
        """The case that noticed a mutant; None: none does; False: it was not tried with all."""
        if self._noticed.get(mutant) in cases:
            return self._noticed[mutant]
        tried = self.proofs.get(mutant) or {*cases} <= {*self._got_by(mutant)}
        return None if tried else False

    def save(self) -> None:
        """Write the file, if there is one."""
        if self._path:
            text = json.dumps({"netlist": self._netlist, "noticed": self._noticed,
                               "passed": self._passed, "lists": self._lists,
                               "proofs": self.proofs})  # fmt: skip
            self._path.write_text(text, encoding="utf-8")

    def _got_by(self, mutant: str) -> list[str]:
        return self._lists[self._passed[mutant]] if mutant in self._passed else []
