"""Progress in a notebook: a bar of the browser's own, changed in place."""

import sys
import types

import pytest

import accel


class Handle:
    """What IPython's display gives back."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, html):
        self.shown.append(html)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook's output showed, one after the other."""
    found = []

    def display(html, display_id):
        assert display_id
        found.append(html)
        return Handle(found)

    ipython, module = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    module.display, module.HTML = display, str
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return found


def test_in_a_notebook(shown, capsys):
    with accel.progress_bar("begin") as tell:
        for n in range(1001):
            tell("a < b", n / 1000)
        tell("beyond", 7.0)
    assert "0% begin, " in shown[0]
    assert "0% a &lt; b, " in shown[1]
    assert any('<progress value="1.000" max="1"></progress> 100% beyond' in one for one in shown)
    assert "100% done, " in shown[-1]
    assert len(shown) < 500  # not every call
    assert capsys.readouterr() == ("", "")


def test_an_error_shows_how_far_it_came(shown):
    with pytest.raises(KeyError), accel.progress_bar() as tell:
        tell("half", 0.5)
        raise KeyError
    assert "50% half" in shown[-1]


def test_a_run_in_a_notebook(shown):
    with accel.progress_bar() as progress:
        accel.estimate("notes", array=(4, 4), progress=progress)
    assert len(shown) > 1 and all("<progress" in one for one in shown)


@pytest.mark.parametrize("kernel", [False, True])
def test_elsewhere(monkeypatch, capsys, kernel):
    """IPython on a terminal has no kernel; and in a pipe nothing is said at once."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    if kernel:
        ipython = types.ModuleType("IPython")
        ipython.get_ipython = lambda: object()
        monkeypatch.setitem(sys.modules, "IPython", ipython)
    with accel.progress_bar("label") as tell:
        tell("stage", 0.5)
    assert "<progress" not in capsys.readouterr().out
