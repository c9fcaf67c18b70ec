"""The time limit of a test, which begins anew behind a simulator that it had to build.

A simulator is built once by whichever test needs it first, and kept for all others; on a busy
machine that alone can take longer than a test may (pyproject.toml).  So a build has a limit of its
own, and tests are held to theirs for what they do themselves.
"""

import contextlib
import functools

#: Seconds for a build, or for waiting until another process has built the same.
BUILD = 3600


class Limit:
    """The limit of the test that runs now, in pytest-timeout's hooks.

    Attributes:
        item: the test, or None where no limit is set.
        settings: pytest-timeout's, with the test's own seconds.
    """

    item = settings = None

    def start(self, item, settings) -> None:
        """Remember a limit that begins; pytest-timeout itself sets the timer."""
        if settings.timeout != BUILD:
            self.item, self.settings = item, settings

    def stop(self) -> None:
        """The test is over."""
        self.item = self.settings = None

    @contextlib.contextmanager
    def building(self):
        """Hold what happens inside to a build's limit, and begin the test's anew behind it."""
        if self.item is None:
            yield
            return
        hooks, item, settings = self.item.config.hook, self.item, self.settings
        hooks.pytest_timeout_cancel_timer(item=item)
        hooks.pytest_timeout_set_timer(item=item, settings=settings._replace(timeout=BUILD))
        try:
            yield
        finally:
            hooks.pytest_timeout_cancel_timer(item=item)
            hooks.pytest_timeout_set_timer(item=item, settings=settings)

    def exempt(self, build):
        """Make a function that does what ``build`` does, within ``building``."""

        @functools.wraps(build)
        def call(*arguments, **options):
            with self.building():
                return build(*arguments, **options)

        return call
