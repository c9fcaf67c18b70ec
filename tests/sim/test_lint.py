"""The emitted Verilog in the eyes of Verilator's lint and of Icarus."""

import pytest

from accel.params import Params
from accel.sim.engine import SimulationError
from accel.sim.lint import WAIVED, icarus_errors, lint, unexplained
from accel.sim.verilog import emit
from tests.sim.copier import Copier

PARAMS = Params(rows=4, cols=4)


def test_every_warning_is_of_an_explained_category():
    found = lint(PARAMS, Copier)
    assert unexplained(found) == []
    assert {finding.category for finding in found} <= WAIVED.keys()


def test_an_unexplained_warning_is_found(monkeypatch):
    monkeypatch.setattr(
        "accel.sim.lint.emit",
        lambda *_: "module accelerator(output b); assign b = c; assign c = b; endmodule\n",
    )
    assert {finding.category for finding in unexplained(lint(PARAMS))} == {"IMPLICIT", "UNOPTFLAT"}


def test_verilog_that_does_not_elaborate_is_an_error(monkeypatch):
    monkeypatch.setattr("accel.sim.lint.emit", lambda *_: "module accelerator(; endmodule\n")
    with pytest.raises(SimulationError, match="Verilator rejects the Verilog: .*syntax error"):
        lint(PARAMS)


def test_icarus_elaborates():
    errors = icarus_errors(PARAMS, Copier)
    if errors is None:
        pytest.skip("Icarus Verilog is not installed")
    assert errors == ""


def test_icarus_errors_are_returned(monkeypatch):
    text = emit(PARAMS, Copier)
    monkeypatch.setattr("accel.sim.lint.emit", lambda *_: text.replace("endmodule", "", 1))
    errors = icarus_errors(PARAMS, Copier)
    if errors is None:
        pytest.skip("Icarus Verilog is not installed")
    assert "error" in errors
