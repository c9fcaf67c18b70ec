"""Who uses what: the top-level definitions of a package's modules, and the names in each.

For two questions that a line's coverage does not answer.  Which compiled functions contain a
changed one, and must be compiled anew?  And which tests run a line that coverage.py never sees,
because it is compiled by Numba or runs while a module is imported?
"""

import ast
import collections
import dataclasses
import functools

from tests.software_mutation.rooms import ROOT, sources


@dataclasses.dataclass(frozen=True)
class Definition:
    """A statement of a module's top level, from its first line (its decorators') to its last."""

    source: str
    names: frozenset[str]
    first: int
    last: int


@functools.cache
def definitions(source: str) -> dict[Definition, set[tuple[str, str]]]:
    """A module's definitions, and what each uses: (source, name) of this project."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    imported, found = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                imported[alias.asname or alias.name] = _origin(node.module, alias.name)
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        found[Definition(source, frozenset(_made(node)), first, node.end_lineno)] = _used(
            node, imported, source
        )
    return found


def _origin(module: str, name: str) -> tuple[str, str]:
    """Where ``from module import name`` finds it; a module's own name is empty."""
    path = module.replace(".", "/")
    for file in (f"{path}/{name}.py", f"{path}/{name}/__init__.py"):
        if (ROOT / file).exists():
            return file, ""
    file = f"{path}.py"
    return (file if (ROOT / file).exists() else f"{path}/__init__.py"), name


def _made(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {one.id for one in ast.walk(node)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}  # fmt: skip


def _used(node: ast.stmt, imported: dict, source: str) -> set[tuple[str, str]]:
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(imported.get(one.id, (source, one.id)))
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            file, name = imported.get(one.value.id, ("", ""))
            if file and not name:  # module.attribute
                found.add((file, one.attr))
    return found


def is_kernel(definition: Definition) -> bool:
    """Whether it is compiled, or makes what is."""
    return ("accel/compiled.py", "compiled") in definitions(definition.source)[definition]


@functools.cache
def _users() -> dict[tuple[str, str], list[Definition]]:
    """The definitions that use a name of a module."""
    found = collections.defaultdict(list)
    for source in sources():
        for definition, used in definitions(source).items():
            for one in used:
                found[one].append(definition)
    return found


def definition_at(source: str, line: int) -> Definition | None:
    """The definition that holds a line."""
    return next((one for one in definitions(source) if one.first <= line <= one.last), None)


def users(changed: Definition) -> set[Definition]:
    """The definitions that use one directly."""
    return {
        user for name in changed.names for user in _users()[changed.source, name] if user != changed
    }


def all_users(changed: Definition | None) -> set[Definition]:
    """Itself, if it is any, and what uses it, however indirectly."""
    found = new = {changed} - {None}
    while new:
        new = {user for one in new for user in users(one)} - found
        found |= new
    return found
