"""The pooling windows along an axis, coordinate by coordinate (rtl/pool/windows.py)."""

from accel.cyclemodel.edge import edge

#: Registers: windows from the oldest and from the current one on, and where in them we are; the
#: coordinate; whether the oldest is the current one.
OLDEST, OLDEST_AT, CURRENT, CURRENT_AT, COORDINATE, FIRST, WALK = range(7)


@edge
def last(s, at, stride):
    """Whether no younger window has the coordinate."""
    return s[at + CURRENT_AT] < stride or s[at + CURRENT] <= 1


@edge
def inside(s, at):
    """Whether the coordinate lies in the current window."""
    return s[at + CURRENT_AT] >= 0 and s[at + CURRENT] != 0


@edge
def closes(s, at, kernel, size):
    """Whether it is the last coordinate of the current window in the image."""
    return s[at + CURRENT_AT] == kernel - 1 or s[at + COORDINATE] == size - 1


@edge
def restart(s, at, pad, windows):
    """Go to coordinate 0."""
    s[at + OLDEST] = s[at + CURRENT] = windows
    s[at + OLDEST_AT] = s[at + CURRENT_AT] = pad
    s[at + COORDINATE] = 0
    s[at + FIRST] = 1


@edge
def step(s, at, advance, kernel, stride, pad, size, windows):
    """Go to the coordinate's next window, or with ``advance`` to the next coordinate."""
    if advance:
        if s[at + COORDINATE] == size - 1:
            restart(s, at, pad, windows)
            return
        s[at + COORDINATE] += 1
        if s[at + OLDEST_AT] == kernel - 1 and s[at + OLDEST] != 0:
            s[at + OLDEST] -= 1
            s[at + OLDEST_AT] += 1 - stride
        else:
            s[at + OLDEST_AT] += 1
        s[at + CURRENT], s[at + CURRENT_AT] = s[at + OLDEST], s[at + OLDEST_AT]
        s[at + FIRST] = 1
    elif last(s, at, stride):
        s[at + CURRENT], s[at + CURRENT_AT] = s[at + OLDEST], s[at + OLDEST_AT]
        s[at + FIRST] = 1
    else:
        s[at + CURRENT] -= 1
        s[at + CURRENT_AT] -= stride
        s[at + FIRST] = 0
