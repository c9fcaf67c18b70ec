"""The memories of an elaborated design, whose words a test may read and change."""

from amaranth.hdl import Fragment, MemoryInstance


def memories(fragment: Fragment, path: tuple[str, ...] = ()) -> dict:
    """The data of all memories in a design, as a simulation's ``ctx`` gets and sets it, by path."""
    found = {path: fragment._data} if isinstance(fragment, MemoryInstance) else {}
    for inner, name, *_ in fragment.subfragments:
        found |= memories(inner, (*path, name))
    return found
