"""Draws mutants: places first, each as likely as any other, then one change for each place.

Cosmic Ray lists every change.  A plus has eleven of them, a loop has one: drawn from that list, two
mutants of three would be wrong arithmetic, which is noticed most easily.
"""

import ast
import collections
import hashlib
import pathlib
import random

import attrs
import cosmic_ray.plugins
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, WorkItem

from tests.software_mutation.rooms import BUILD, ROOT, sources

#: Decorators whose absence changes how fast a function is, and no result.
ONLY_FAST = ("@compiled", "@functools.cache", "@cache")


def text_of(source: str) -> str:
    """A source as it is."""
    return (ROOT / source).read_text(encoding="utf-8")


def mutated(mutation: MutationSpec) -> str:
    """The text of the mutant."""
    operator = cosmic_ray.plugins.get_operator(mutation.operator_name)(**mutation.operator_args)
    return mutate_code(text_of(str(mutation.module_path)), operator, mutation.occurrence)


class Places:
    """What of a source is worth a mutant, and names that outlive changes of other lines."""

    def __init__(self, source: str):
        self._source, text = source, text_of(source)
        self._lines = text.splitlines()
        self._annotations = annotations(text)

    def worth(self, mutation: MutationSpec) -> bool:
        """Whether a mutation can matter to a result at all."""
        if "RemoveDecorator" in mutation.operator_name:
            return not self._line(mutation).startswith(ONLY_FAST)
        if "ExceptionReplacer" in mutation.operator_name:  # of a name with a dot none can be made
            return self._text(mutation).isidentifier()
        return not any(first <= mutation.start_pos < last for first, last in self._annotations)

    def name(self, mutation: MutationSpec) -> str:
        """Of the place: what the line says, where in it, and how often it was said above."""
        row, column = mutation.start_pos
        line = self._lines[row - 1]
        above = self._lines[: row - 1].count(line)
        return f"{self._source}|{mutation.definition_name}|{line}|{above}|{column}|" \
               f"{mutation.end_pos[1]}"  # fmt: skip

    def _text(self, mutation: MutationSpec) -> str:
        """What is changed, of a place on one line."""
        (row, first), (_, last) = mutation.start_pos, mutation.end_pos
        return self._lines[row - 1][first:last]

    def _line(self, mutation: MutationSpec) -> str:
        return self._lines[mutation.start_pos[0] - 1].strip()


def annotations(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations are: while a program runs nothing looks at them."""
    found = []
    for node in ast.walk(ast.parse(text)):
        for name in ("annotation", "returns"):
            if one := getattr(node, name, None):
                found.append(((one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)))
    return found


def draw(items, count: int, seed: int) -> list[WorkItem]:
    """``count`` of Cosmic Ray's items; a larger count has those of a smaller one.

    An item's id is its place and its change: it says nothing of line numbers, so that results
    outlive changes of other lines.
    """
    places, sources_ = collections.defaultdict(list), {}
    for item in items:
        (mutation,) = item.mutations
        source = str(mutation.module_path)
        about = sources_.get(source) or sources_.setdefault(source, Places(source))
        if about.worth(mutation):
            places[about.name(mutation)].append(item)
    order = sorted(places, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())
    drawn = []
    for name in order[:count]:
        number = random.Random(f"{seed}|{name}").randrange(len(places[name]))
        item = places[name][number]
        drawn.append(attrs.evolve(item, job_id=f"{name}|{number}"))
    return drawn


class _Drawn(WorkDB):
    """A session that takes a sample of what it is given."""

    sample = (0, 0)

    def add_work_items(self, work_items):
        super().add_work_items(draw(work_items, *self.sample))


def session(count: int, seed: int) -> pathlib.Path:
    """The file of the session for today's sources; a new one has all results that are known."""
    BUILD.mkdir(parents=True, exist_ok=True)
    wanted = sources()
    today = hashlib.sha256("".join(map(text_of, wanted)).encode()).hexdigest()[:12]
    path = BUILD / f"session-{seed}-{count}-{today}.sqlite"
    if not path.exists():
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        before = sorted(BUILD.glob(f"session-{seed}-*.sqlite"), key=lambda one: one.stat().st_mtime)
        database = _Drawn(making, WorkDB.Mode.create)
        database.sample = count, seed
        init([pathlib.Path(name) for name in wanted], database, {})
        jobs = {item.job_id for item in database.work_items}
        for old in before:
            with use_db(old, WorkDB.Mode.open) as known:
                for job, result in known.results:
                    if job in jobs:
                        database.set_result(job, result)
        database.close()
        making.rename(path)
    return path
