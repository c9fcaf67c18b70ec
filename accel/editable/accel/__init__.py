"""What an editable install puts on the import path: this checkout's package accel and no more.

The checkout itself on the path would offer rtl, models, tests and reports as packages, in the way
of a user's own.  A finder behind Python's own, which build tools otherwise install, would lose to
any folder called accel in the working directory, such as a clone.
"""

import pathlib

_PACKAGE = pathlib.Path(__file__).parents[2]
__path__ = [str(_PACKAGE)]
__file__ = str(_PACKAGE / "__init__.py")
exec(compile(pathlib.Path(__file__).read_bytes(), __file__, "exec"))
