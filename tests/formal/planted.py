"""Plants a bug: a block as its file would make it with some of its text replaced."""

import inspect
import sys


def planted(thing, old: str, new: str):
    """The class or function ``thing`` of its module, in which ``old`` has become ``new``.

    The text must be there exactly once: a bug that is no longer planted is not found either.
    """
    module = sys.modules[thing.__module__]
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{module.__name__} has {source.count(old)} times {old!r}"
    names = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(source.replace(old, new), module.__file__, "exec"), names)
    return names[thing.__name__]
