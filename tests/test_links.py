"""What pages, comments and docstrings name exists: links, files, modules and what is in them.

And tables in pages are tables.
"""

import ast
import builtins
import importlib
import io
import pathlib
import re
import tokenize

import pytest

ROOT = pathlib.Path(__file__).parent.parent
#: The folders of this project that are written by hand; accel.rtl and accel.models are two of them.
FOLDERS = ("accel", "rtl", "models", "tests")

#: The documentation's site.
SITE = ROOT / "accel" / "docs" / "pages"

#: [text](target), but for addresses and places in the same page.
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)")
#: accel/..., rtl/... and so on; what comes before would make it a part of something else.
PATH = re.compile(r"(?<![\w./~-])((?:accel|rtl|models|tests|reports)/[\w./-]*\w)")
#: Any other Python file: the end of one's path.
FILE = re.compile(r"(?<![\w./~-])((?:\w+/)*\w+\.py)\b")
#: A module of this project or something in it, by its dotted name; accel.c and .h are the driver.
NAME = re.compile(r"(?<![\w./~-])(accel(?!\.[ch]\b)(?:\.[a-zA-Z_]\w*)+)")
#: The same marked as a class, a function and so on.
ROLE = re.compile(r":(?:class|func|mod|data|attr|meth):`~?([\w.]+)`")


def files(pattern: str, *folders: str):
    """The project's files below its folders, or also beside them."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob(pattern))


def pages():
    """The pages that are written by hand."""
    yield from sorted(ROOT.glob("*.md"))
    # What accel package fills in and writes names the package's own files.
    template = ROOT / "accel" / "package" / "readme.md"
    yield from (page for page in files("*.md", *FOLDERS) if page != template)


def prose(source: str) -> str:
    """The comments and docstrings of a Python file."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(ast.get_docstring(node) or "")
    return "\n".join(found)


def module_file(name: str) -> pathlib.Path | None:
    """The file of a module of this project, by its dotted name."""
    path = ROOT.joinpath(*re.sub(r"^accel\.(rtl|models)\b", r"\1", name).split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return path if path.is_dir() else None


def has(name: str) -> bool:
    """Whether ``name`` is a module of this project, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if module_file(".".join(parts[:end])):
            thing = importlib.import_module(".".join(parts[:end])) if end < len(parts) else None
            for part in parts[end:]:
                if not hasattr(thing, part):  # a field without a default?
                    return part in getattr(thing, "__annotations__", ())
                thing = getattr(thing, part)
            return True
    return False


def missing(text: str, suffixes: set[str]) -> list[str]:
    """What ``text`` names and is not there; ``suffixes`` are the ends of all files' paths."""
    paths = [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    ends = [path for path in FILE.findall(text) if path not in suffixes]
    return sorted({*paths, *ends, *(name for name in NAME.findall(text) if not has(name))})


def top_level(tree: ast.Module) -> set[str]:
    """Names that a module's own lines may use."""
    found = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found


@pytest.fixture(scope="module")
def suffixes() -> set[str]:
    found = set()
    for file in files("*.py", *FOLDERS):
        parts = file.relative_to(ROOT).parts
        found |= {"/".join(parts[first:]) for first in range(len(parts))}
    return found


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages(page, suffixes):
    text = page.read_text(encoding="utf-8")
    broken = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    if SITE in page.parents:  # between pages as the site has them; Sphinx looks (tests/docs)
        broken = []
    beside = {file.name for file in page.parent.glob("*.py")}
    assert not broken + missing(text, suffixes | beside)


def cells(line: str) -> int:
    """Columns of a line of a table; a bar with a backslash is text."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_tables():
    """A rule of another width than its header makes the table plain text."""
    for page in (*pages(), *files("*.md", "reports")):
        lines = page.read_text(encoding="utf-8").splitlines()
        for above, rule in zip(lines, lines[1:], strict=False):
            if re.fullmatch(r"\|[-:| ]+\|", rule):
                assert cells(above) == cells(rule), f"{page}: {above}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_comments_and_docstrings(folder, suffixes):
    wrong = {}
    for file in files("*.py", folder):
        source = file.read_text(encoding="utf-8")
        text = prose(source)
        found = missing(text, suffixes)
        names = top_level(ast.parse(source))
        found += [
            role for role in ROLE.findall(text)
            if role.split(".")[0] not in names and not (role.startswith("accel.") and has(role))
        ]  # fmt: skip
        if found:
            wrong[str(file.relative_to(ROOT))] = found
    assert not wrong


def test_what_is_not_there_is_seen(suffixes):
    text = (
        "accel/runner.py, rtl/, `compiler/tile.py`, accel.rtl.top.Accelerator, accel.params.Params."
        "rows and accel.run, accel.h, but accel/no.py, rtl/none/, no_file.py, accel.rtl.none, "
        "accel.isa.Not"
    )
    absent = ["accel.isa.Not", "accel.rtl.none", "accel/no.py", "no_file.py", "rtl/none"]
    assert missing(text, suffixes) == absent
    assert LINK.findall("[a](b/c.md#d) [e](https://f) [g](#h)") == ["b/c.md"]
    assert prose('"""One."""\nx = "two"  # three\n') == "# three\nOne."
