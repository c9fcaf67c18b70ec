"""Plants a bug: a block as its file would make it with some of its text replaced."""

import inspect
import sys


def planted(thing, old: str, new: str, within=None):
    """The class or function ``thing`` of its module, in which ``old`` has become ``new``.

    The text must be there exactly once: a bug that is no longer planted is not found either.
    With ``within`` it is in the file of that class, which ``thing``'s module imports.
    """
    if within is not None:
        names = _run(sys.modules[thing.__module__], lambda source: source)
        names[within.__name__] = planted(within, old, new)
        return names[thing.__name__]
    module = sys.modules[thing.__module__]
    count = inspect.getsource(module).count(old)
    assert count == 1, f"{module.__name__} has {count} times {old!r}"
    return _run(module, lambda source: source.replace(old, new))[thing.__name__]


def _run(module, change) -> dict:
    """The names of a module whose source is changed."""
    names = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(change(inspect.getsource(module)), module.__file__, "exec"), names)
    return names
