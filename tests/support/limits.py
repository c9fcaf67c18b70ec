"""The time limit of a test, which begins anew behind what it had to build for all tests.

A simulator is built, and a kernel compiled, by whichever test needs it first, and kept on disk for
all others.  On a busy machine that alone can take longer than a test may (pyproject.toml).  So a
build has a limit of its own, and tests are held to theirs for what they do themselves.
"""

import contextlib
import functools

from numba.core import event

#: Seconds for a build, or for waiting until another process has built the same.
BUILD = 3600


class Limit:
    """The limit of the test that runs now, in pytest-timeout's hooks.

    Attributes:
        item: the test, or None where no limit is set.
        settings: pytest-timeout's, with the test's own seconds.
    """

    item = settings = None
    _depth = 0

    def start(self, item, settings) -> None:
        """Remember a limit that begins; pytest-timeout itself sets the timer."""
        if not self._depth:
            self.item, self.settings = item, settings

    def stop(self) -> None:
        """The test is over."""
        self.item = self.settings = None

    def begin(self) -> None:
        """A build begins, perhaps within another: from now on its limit holds."""
        self._depth += 1
        if self._depth == 1:
            self._set(BUILD)

    def end(self) -> None:
        """It ends: the test's own limit begins anew."""
        if self._depth == 1 and self.settings:
            self._set(self.settings.timeout)
        self._depth -= 1

    def _set(self, seconds) -> None:
        if self.item is None:
            return
        hooks, settings = self.item.config.hook, self.settings._replace(timeout=seconds)
        hooks.pytest_timeout_cancel_timer(item=self.item)
        hooks.pytest_timeout_set_timer(item=self.item, settings=settings)

    @contextlib.contextmanager
    def building(self):
        """Hold what happens inside to a build's limit."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    def exempt(self, build):
        """Make a function that does what ``build`` does, within ``building``."""

        @functools.wraps(build)
        def call(*arguments, **options):
            with self.building():
                return build(*arguments, **options)

        return call


class Compilations(event.Listener):
    """Told by Numba when it compiles, which it does not if its cache has the code."""

    def __init__(self, limit: Limit):
        self._limit = limit

    def on_start(self, event):
        self._limit.begin()

    def on_end(self, event):
        self._limit.end()
