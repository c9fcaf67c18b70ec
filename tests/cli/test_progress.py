"""What a user is told while something takes long."""

import time

from accel import progress


def test_a_pipe_gets_plain_lines(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_LINES", 0.02)
    with progress.progress_bar("reading") as tell:
        tell("compile", 0.5)
        until = time.monotonic() + 30  # one line is enough, however busy the machine
        seen = ""
        while not seen and time.monotonic() < until:
            time.sleep(0.02)
            seen = capsys.readouterr().err
    assert seen.splitlines()[0] == "0 s: compile, 50%"
    capsys.readouterr()
    time.sleep(0.1)
    assert capsys.readouterr().err == ""  # it has ended


def test_what_is_quick_says_nothing(capsys):
    with progress.progress_bar("reading") as tell:
        tell("compile", 0.5)
    assert capsys.readouterr().err == ""
