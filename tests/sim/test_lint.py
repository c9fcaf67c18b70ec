"""The emitted Verilog in the eyes of Verilator's lint and of Icarus."""

import pytest

from accel.params import Params
from accel.sim.engine import SimulationError
from accel.sim.lint import WAIVED, icarus_errors, lint, unexplained
from accel.sim.written import emit


@pytest.fixture(
    scope="module",
    params=[4, *(pytest.param(size, marks=pytest.mark.campaign) for size in (8, 16))],
    ids=lambda size: f"{size}x{size}",
)
def text(request):
    return emit(Params(rows=request.param, cols=request.param))


def icarus(text, language="2012"):
    errors = icarus_errors(text, language)
    if errors is None:
        pytest.skip("Icarus Verilog is not installed")
    return errors


def test_every_warning_is_explained_and_every_explanation_needed(text):
    found = lint(text)
    assert unexplained(found) == []
    assert {category for category, _, _ in WAIVED} == {finding.category for finding in found}


def test_an_unexplained_warning_is_found():
    found = lint("module accelerator(output b); assign b = c; assign c = b; endmodule\n")
    assert {finding.category for finding in unexplained(found)} == {"IMPLICIT", "UNOPTFLAT"}


def test_a_waiver_covers_only_what_its_reason_says():
    found = lint(
        "module accelerator(input [7:0] a, output [3:0] b, output c, output [3:0] d);\n"
        "  assign b = a; assign c = !a; assign d = a >> 4;\nendmodule\n"
    )
    (finding,) = unexplained(found)
    assert (finding.category, "generates 8 bits" in finding.message) == ("WIDTHTRUNC", True)
    assert sum(finding.category == "WIDTHTRUNC" for finding in found) == 3


@pytest.mark.parametrize(
    "process",
    [
        "always @* if (en) q = d;",
        "always @(en or d) if (en) q = d;",
        "always @* begin q = q; if (en) q = d; end",
        "always @* case (s) 2'd0: q = d; 2'd1: q = ~d; endcase",
        "always @* (* full_case *) casez (s) 2'b?0: q = d; 2'b01: q = ~d; endcase",
        # Verilator takes these for something else.
        "always_latch if (en) q = d;",
        "always @(en) if (en) q <= d;",
        "always @* begin case (s) // synopsys full_case\n 2'd0: q = d; endcase end",
    ],
)
def test_a_latch_is_found(process):
    found = lint(
        "module accelerator(input en, input [1:0] s, input d, output reg q);\n"
        f"  {process}\nendmodule\n"
    )
    latches = [finding for finding in unexplained(found) if finding.category == "LATCH"]
    assert latches and all(latch.message.startswith("accelerator.v:2:") for latch in latches)


def test_a_default_ahead_of_a_case_is_no_latch():
    found = lint(
        "module accelerator(input [1:0] s, input d, output reg q);\n"
        "  always @* begin q = 0; case (s) 2'd0: q = d; 2'd1: q = ~d; endcase end\nendmodule\n"
    )
    assert [finding.category for finding in found] == ["CASEINCOMPLETE"]


def test_verilog_that_does_not_elaborate_is_an_error():
    with pytest.raises(SimulationError, match="Verilator rejects the Verilog: .*syntax error"):
        lint("module accelerator(; endmodule\n")


@pytest.mark.parametrize("language", ["2005", "2012"])
def test_icarus_elaborates_without_a_warning(text, language):
    assert icarus(text, language) == ""


def test_icarus_errors_are_returned():
    assert "error" in icarus("module accelerator(; endmodule\n")
