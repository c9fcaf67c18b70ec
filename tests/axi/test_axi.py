"""Programs behind cocotbext-axi: a sample in Icarus, more in Verilator; and faults are seen."""

import itertools
import types

import numpy as np
import pytest

from tests.axi import run


def campaign(simulator, programs, seed, work):
    if absent := run.missing(simulator):
        pytest.skip(absent)
    return run.run(simulator, programs, seed, work)


def test_a_sample_in_icarus(tmp_path):
    done = campaign("icarus", 2, 5, tmp_path)
    assert done["wrong"] == [] and done["programs"] == 2 and done["bytes"] > 0


@pytest.mark.campaign
def test_programs_in_verilator(tmp_path):
    done = campaign("verilator", 40, 2, tmp_path)
    assert done["wrong"] == [] and done["programs"] == 40
    assert min(done["errors"], done["resets"], done["aborts"]) > 0


@pytest.mark.campaign
def test_a_planted_bug_is_found(tmp_path, monkeypatch):
    """One wire of the machine is the other way round."""
    right = run.emit

    def wrong(params):
        text = right(params)
        inverted = text.replace("assign m_axi_wstrb =", "assign m_axi_wstrb = 1 ^", 1)
        assert inverted != text
        return inverted

    monkeypatch.setattr(run, "emit", wrong)
    assert campaign("icarus", 1, 5, tmp_path)["wrong"]


class Wire(str):
    """A signal's value, as cocotb shows it."""

    @property
    def value(self):
        return self

    @property
    def is_resolvable(self):
        return set(self) <= {"0", "1"}


def seen(*cycles):
    """What the monitor says of (valid, ready, address) of the read addresses, cycle by cycle."""
    machine = pytest.importorskip("tests.axi.machine", reason="cocotbext-axi is not installed")
    host, held = types.SimpleNamespace(broken=[]), {}
    for valid, ready, address in cycles:
        host.dut = types.SimpleNamespace(
            m_axi_arvalid=Wire(valid), m_axi_arready=Wire(ready), m_axi_araddr=Wire(address),
            m_axi_arlen=Wire("0"), m_axi_arsize=Wire("0"), m_axi_arburst=Wire("1"),
        )  # fmt: skip
        machine.Host._look(host, "ar", machine.PAYLOAD["ar"], held)
    return host.broken


def test_the_monitor_knows_the_rules():
    assert seen("101", "111", "110", "000") == []
    assert seen("000", "101", "111", "110") == []
    assert seen("101", "111", "100", "000") == ["m_axi_arvalid fell before m_axi_arready rose"]
    assert seen("101", "100") == ["m_axi_ar changed while it waited"]
    assert seen("x01") == ["m_axi_arvalid is x"]


def test_pauses_of_every_kind():
    machine = pytest.importorskip("tests.axi.machine", reason="cocotbext-axi is not installed")
    drawn = {
        tuple(itertools.islice(machine.pauses(np.random.default_rng(seed)), 200))
        for seed in range(40)
    }
    assert (False,) * 200 in drawn and (True, False) * 100 in drawn
    assert len(drawn) > 15  # nor is chance always the same
