"""What somebody who looked at a mutant that lived has found: it is equivalent, and why."""

import difflib
import pathlib
import tomllib

_FILE = pathlib.Path(__file__).with_name("verdicts.toml")


def change(original: str, text: str) -> tuple[str, str]:
    """The changed lines, before and after, without their indentation."""
    before, after = [], []
    for line in difflib.ndiff(original.splitlines(), text.splitlines()):
        if line.startswith("- "):
            before.append(line[2:].strip())
        elif line.startswith("+ "):
            after.append(line[2:].strip())
    return " ".join(before), " ".join(after)


class Verdicts:
    """Of equivalent mutants: verdicts.toml has source, before, after and why of each."""

    def __init__(self, file: pathlib.Path = _FILE):
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        self._why = {}
        for one in tomllib.loads(text).get("equivalent", []):
            key = one["source"], one["before"].strip(), one["after"].strip()
            self._why[key] = one["why"]
        self._asked = set()

    def why(self, source: str, before: str, after: str) -> str | None:
        """Why a mutant is equivalent, if it was found to be."""
        key = source, before.strip(), after.strip()  # with a decorator an empty line may go
        self._asked.add(key)
        return self._why.get(key)

    def unknown(self) -> list[tuple[str, str, str]]:
        """Verdicts about mutants that nobody asked for: their source has changed, perhaps."""
        return sorted(set(self._why) - self._asked)
