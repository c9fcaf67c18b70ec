"""Programs for what others reach rarely; the interpreter tells what they must leave."""

from accel.params import Params
from tests.support.program_writer import Written


def directed(params: Params) -> list[tuple[str, Written]]:
    """All of them, with their names."""
    return []
