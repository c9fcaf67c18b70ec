"""One trial after the other: a command is killed, its folder looked at, and it is started again."""

import dataclasses
import functools
import hashlib
import pathlib
import pickle
import random
import shutil
import signal
import subprocess
import tempfile
import time

from accel.whole import replacing
from tests.killed import files, process
from tests.killed.works import TWO, WORKS, Work

#: How often each signal is sent.
SIGNALS = {signal.SIGKILL: 6, signal.SIGTERM: 2, signal.SIGINT: 2}
#: What a command that was asked to end may end with: by itself, as asked, or by the signal itself.
ENDS = {signal.SIGTERM: (0, 143, -15), signal.SIGINT: (0, 130, -2)}
#: Files that are written several times in one command: journals, what is made of them, checkpoints.
_GROWING = (".jsonl", ".parquet", ".csv", ".npz")
#: What is no result: the command's home and what it says, and what it reads.
_ASIDE = ("home/", "tmp/")


@dataclasses.dataclass
class Trial:
    """What was done, and what was wrong.

    Attributes:
        kind: one of WORKS.
        seed: decides all that is random.
        signal: its name.
        moment: "operation N of M" or "S of T s".
        earlier: whether an earlier result was there.
        two: whether another process did the same at the same time.
        killed: whether it was under way.
        problems: what was wrong.
    """

    kind: str
    seed: int
    signal: str = ""
    moment: str = ""
    earlier: bool = False
    two: bool = False
    killed: bool = False
    problems: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Reference:
    """A command that nobody disturbed: its files, seconds and file operations."""

    files: dict[str, bytes]
    seconds: float
    operations: int


class Campaign:
    """Trials in folders below ``root``, with one ``home`` that keeps caches for all of them."""

    def __init__(self, root: pathlib.Path, home: pathlib.Path | None = None):
        self._root, self._home = root.resolve(), (home or root / "home").resolve()
        for folder in (self._root, self._home):
            folder.mkdir(parents=True, exist_ok=True)
        self._references: dict[tuple[str, bool], Reference] = {}

    def reference(self, kind: str, earlier: bool = False) -> Reference:
        """The undisturbed command, or the one before it."""
        if (kind, earlier) not in self._references:
            kept = self._home / f"{kind}-{earlier}-{_sources()}.pickle"
            if not kept.exists():
                with replacing(kept) as new:
                    new.write_bytes(pickle.dumps(self._undisturbed(kind, earlier)))
            self._references[kind, earlier] = pickle.loads(kept.read_bytes())
        return self._references[kind, earlier]

    def _undisturbed(self, kind: str, earlier: bool) -> Reference:
        work = WORKS[kind]
        arguments = work.earlier if earlier else None
        for _ in range(2):  # the second time with caches that are filled
            with tempfile.TemporaryDirectory(dir=self._root) as name:
                folder = pathlib.Path(name)
                work.prepare(folder)
                began = time.monotonic()
                home = self._home_of(work, folder)
                made = process.start(folder, work, home=home, arguments=arguments)
                assert made.wait(process.PATIENCE) == 0, process.said(folder)
                seconds = time.monotonic() - began
                operations = int((folder / "tmp" / process.COUNTED).read_text())
                found = _results(folder)
        return Reference(found, seconds, operations)

    def _home_of(self, work: Work, folder: pathlib.Path) -> pathlib.Path:
        """A home of its own for a work that fills its caches; of others' caches it has Yosys."""
        if not work.own_cache:
            return self._home
        ours, shared = (home / ".cache" / "wasmtime" for home in (folder / "home", self._home))
        for path in (ours.parent, shared):
            path.mkdir(parents=True, exist_ok=True)
        if not ours.exists():
            ours.symlink_to(shared)
        return folder / "home"

    def run(self, kind: str, seed: int) -> Trial:
        """One trial."""
        work, rng = WORKS[kind], random.Random(f"{kind} {seed}")
        usual = self.reference(kind)
        trial = Trial(kind, seed)
        number = rng.choices(list(SIGNALS), SIGNALS.values())[0]
        trial.signal = number.name
        trial.earlier = bool(work.earlier) and rng.random() < 0.5
        trial.two = kind in TWO and rng.random() < 0.5
        folder = pathlib.Path(tempfile.mkdtemp(dir=self._root))
        work.prepare(folder)
        if trial.earlier:
            _lay(self.reference(kind, True).files, folder)
        self._disturb(trial, folder, work, usual, number, rng)
        trial.problems += self._damage(trial, folder, usual)
        trial.problems += self._again(folder, work, usual)
        if not trial.problems:
            shutil.rmtree(folder)
        return trial

    def _disturb(self, trial: Trial, folder, work: Work, usual: Reference, number, rng) -> None:
        """Run the command, and another one if there are to be two, and kill the one."""
        counted = rng.random() < 0.5
        at = rng.randint(1, usual.operations) if counted else 0
        wait, all_of_it = rng.uniform(0, usual.seconds), rng.random() < 0.5
        trial.moment = (f"operation {at} of {usual.operations}" if counted
                        else f"{wait:.2f} of {usual.seconds:.2f} s")  # fmt: skip
        other, home = None, self._home_of(work, folder)
        if trial.two:
            (folder / "other").mkdir()
            other = process.start(folder / "other", work, home=home)
        made = process.start(folder, work, at, number, home=home)
        try:
            code = made.wait(process.PATIENCE if counted else wait)
        except subprocess.TimeoutExpired:
            process.end(made, number, all_of_it)
            code = made.wait(process.PATIENCE)
        trial.killed = code != 0
        trial.problems += _farewell(number, code, process.said(folder))
        if other is not None:
            if other.wait(process.PATIENCE):
                trial.problems.append(f"the other one: {process.said(folder / 'other')[-500:]}")
            shutil.rmtree(folder / "other")
        if all_of_it:
            process.end(made)

    def _damage(self, trial: Trial, folder: pathlib.Path, usual: Reference) -> list[str]:
        """What is wrong with the files that the killed command has left."""
        before = self.reference(trial.kind, True).files if trial.earlier else {}
        now, problems = _results(folder), []
        for name, content in now.items():
            try:
                files.check(name, content)
            except Exception as error:
                problems.append(f"{name} is not whole: {type(error).__name__}: {error}")
                continue
            known = WORKS[trial.kind].measures or _is_a_version(name, content, before, usual.files)
            problems += [] if known else [f"{name} is neither the old one nor the new one"]
        problems += [f"{name} is lost" for name in before.keys() - now.keys()
                     if not any(name.startswith(f"{one}/") for one in WORKS[trial.kind].wholes)]
        for whole in WORKS[trial.kind].wholes:
            found = _below(now, whole)
            versions = [_below(one, whole) for one in (before, usual.files)]
            if not any(_differing(found, version) == [] for version in versions):
                problems.append(f"{whole} is neither the old one nor the new one")
        return problems

    def _again(self, folder: pathlib.Path, work: Work, usual: Reference) -> list[str]:
        """Start the command once more; what is wrong with how it ends."""
        going_on = work.resume if work.mark and (folder / work.mark).exists() else ()
        made = process.start(folder, work, home=self._home_of(work, folder),
                             arguments=(*work.arguments, *going_on))  # fmt: skip
        code = made.wait(process.PATIENCE)
        process.end(made)
        if code:
            return [f"started again it ends with {code}: {process.said(folder)[-800:]}"]
        found = _results(folder)
        differing = (found.keys() ^ usual.files.keys() if work.measures
                     else _differing(found, usual.files))  # fmt: skip
        problems = [f"{name} differs from an undisturbed one's" for name in differing]
        left = [name for name in files.leftovers(folder) if not name.startswith("tmp/")]
        return problems + [f"{name} stays" for name in left]


@functools.cache
def _sources() -> str:
    """What undisturbed commands depend on."""
    files = (path for folder in ("accel", "rtl", "tests/killed")
             for path in sorted((process.ROOT / folder).rglob("*.py")))  # fmt: skip
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _farewell(number: int, code: int, said: str) -> list[str]:
    """What is wrong with how a command ends that was asked to."""
    if number not in ENDS:
        return []
    if code not in ENDS[number]:
        return [f"{number.name}: it ends with {code}: {said[-500:]}"]
    if code > 0 and "Traceback" in said:
        return [f"{number.name}: a traceback: {said[-500:]}"]
    return []


def _results(folder: pathlib.Path) -> dict[str, bytes]:
    return {name: content for name, content in files.contents(folder).items()
            if not name.startswith(_ASIDE)}  # fmt: skip


def _below(found: dict[str, bytes], folder: str) -> dict[str, bytes]:
    return {name: content for name, content in found.items() if name.startswith(f"{folder}/")}


def _differing(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    """Names that only one has, or that are another's."""
    return sorted(
        name for name in found.keys() | wanted.keys()
        if name not in found or name not in wanted
        or not files.same(name, found[name], wanted[name])
    )  # fmt: skip


def _is_a_version(name: str, content: bytes, *known: dict[str, bytes]) -> bool:
    """Whether a file is one of the versions that there are; some have many."""
    return pathlib.PurePath(name).suffix in _GROWING or any(
        name in one and files.same(name, content, one[name]) for one in known
    )


def _lay(found: dict[str, bytes], folder: pathlib.Path) -> None:
    for name, content in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
