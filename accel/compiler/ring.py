"""A buffer as a ring: who may be overwritten, and after which reading command.

Addresses here are *virtual*: they only grow, and the buffer holds the newest ``size`` of them.  A
copy that ends at virtual address v overwrites everything below v - size, so it waits for the last
reader (EXEC, or WINDOW in the window unit's buffer) down there.
"""

import bisect


class Ring:
    """Allocates virtual addresses and remembers their readers.

    Parameters:
        size: bytes of the buffer.
    """

    def __init__(self, size: int):
        self.size = size
        self.head = 0
        self.reads = 0
        #: The end of the newest row of padding and what kind it is, as far as anybody cares.
        self.padding = None
        # Readers that may still matter, oldest first: (lowest address, their count), such that both
        # grow: a later reader of a lower address makes the earlier ones irrelevant.
        self._lowest: list[int] = []
        self._counts: list[int] = []
        # Where the head was when each reader was noted: a list that grows.
        self._heads: list[int] = []

    def allocate(self, length: int) -> tuple[int, int]:
        """Take ``length`` bytes; returns their address and the count of readers to wait for."""
        start = self.reserve(length)
        return start, self.wait(self.head)

    def reserve(self, length: int) -> int:
        """Take ``length`` bytes to be filled piece by piece, each with its own :meth:`wait`."""
        start = self.head
        self.head += length
        return start

    def wait(self, end: int) -> int:
        """The count of readers to wait for before writing up to address ``end``."""
        older = bisect.bisect_left(self._lowest, end - self.size)
        return self._counts[older - 1] if older else 0

    def settled(self, end: int) -> int:
        """The count of readers behind which no copy is under way that ``end`` would overwrite.

        A reader waits for all copies that were listed before it; so the first one noted after the
        bytes below end - size were taken.  This is for writers other than the copying engine,
        which keeps its own order: what it overwrites need not have been read.
        """
        if end <= self.size:
            return 0
        first = bisect.bisect_left(self._heads, end - self.size)
        if first == len(self._heads):
            raise AssertionError("a buffer is filled once around before anybody reads it")
        return first + 1

    def read(self, lowest: int) -> None:
        """Note the next reader in program order, reading addresses from ``lowest`` on."""
        if lowest < self.head - self.size:
            raise AssertionError("a command reads what a later copy has already replaced")
        self.reads += 1
        self._heads.append(self.head)
        keep = bisect.bisect_left(self._lowest, lowest)
        del self._lowest[keep:], self._counts[keep:]
        self._lowest.append(lowest)
        self._counts.append(self.reads)
