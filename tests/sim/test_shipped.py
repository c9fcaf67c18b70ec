"""The Verilog that comes with the package is that of its sources."""

import lzma

import pytest

from accel.params import Params
from accel.sim import shipped
from accel.sim.verilog import emit_simulated
from tests.sim.copier import Copier
from tests.support.ship import MACHINES


def test_what_comes_along_is_of_these_sources():
    expected = {shipped.file_of(params) for params in MACHINES}
    found = set(shipped.FOLDER.glob("*"))
    assert found == expected, "run python -m tests.support.ship"


def test_what_is_not_there_is_emitted(monkeypatch, tmp_path):
    params = Params(rows=4, cols=4)
    text = emit_simulated(params, Copier)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert shipped.simulated(params, Copier) == text
    shipped.file_of(params, Copier).write_bytes(lzma.compress(b"// mine"))
    assert shipped.simulated(params, Copier) == "// mine"
    assert shipped.simulated(Params(rows=4, cols=8), Copier) == text


@pytest.mark.campaign
@pytest.mark.parametrize("params", MACHINES, ids=str)
def test_what_comes_along_is_what_would_be_emitted(params):
    assert shipped.simulated(params) == emit_simulated(params)
