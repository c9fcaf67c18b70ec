"""The mapper: what it finds is really faster, in the RTL too, and the same every time."""

import numpy as np
import pytest
from click.testing import CliRunner

from accel import mapper, runner
from accel.cli import main
from accel.compiler import CompileError, Mapping, compile_graph
from accel.estimate import estimate
from accel.graph.ports import InputError
from accel.opening import open_network
from accel.params import Params
from accel.sim.engine import Memory
from tests.support.machines import MACHINES


def test_the_machine_runs_what_was_found():
    options = {"params": MACHINES[1], "batch": 2, "limit": 3}
    plain = runner.run("lenet5", **options).report
    report = runner.run("lenet5", search=40, **options).report
    search = report["search"]
    assert search["cycles"] < search["first_cycles"]
    assert report["total"]["mismatches"] == 0
    assert report["total"]["cycles"] < plain["total"]["cycles"]
    predicted = estimate("lenet5", params=MACHINES[1], batch=2, images=3, search=40)
    assert predicted["search"] == search
    assert predicted["total"]["cycles"] == report["total"]["cycles"]


def test_a_search_ends_and_repeats():
    graph, params = open_network("kws"), Params()
    found = mapper.search(graph, params, 1, Memory(), 1000)
    assert found.done
    assert found.best < found.first
    again = mapper.search(graph, params, 1, Memory(), 1000)
    assert again.report() == found.report()
    assert again.mapping.chosen == found.mapping.chosen


def test_the_first_program_is_the_compilers_own():
    graph, params = open_network("resnet8"), Params()
    found = mapper.search(graph, params, 1, Memory(), 1)
    assert found.programs == 1
    assert not found.done
    assert found.first == found.best
    plain = compile_graph(graph, params, 1, data=False)
    same = compile_graph(graph, params, 1, data=False, mapping=Mapping(mapper.TILINGS))
    assert np.array_equal(plain.image, same.image)


def test_tilings_that_do_not_fit_are_not_taken(monkeypatch):
    def compile_first(*key, mapping, **options):
        if any(mapping.chosen.values()):
            raise CompileError("a network too large for the address space")
        return compile_graph(*key, mapping=mapping, **options)

    monkeypatch.setattr(mapper, "compile_graph", compile_first)
    found = mapper.search(open_network("kws"), Params(), 1, Memory(), 1000)
    assert found.done
    assert found.best == found.first
    assert not any(found.mapping.chosen.values())


def test_the_command_tells_what_it_found(tmp_path):
    result = CliRunner().invoke(
        main, ["estimate", "kws", "--search", "10", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert "programs tried: 10; more might be faster" in result.output


def test_fewer_than_no_programs():
    with pytest.raises(InputError, match="search must be at least 0, not -1"):
        estimate("mnist", search=-1)
    with pytest.raises(InputError, match="search must be at least 0, not -1"):
        runner.run("mnist", search=-1)


def test_scalesims_counts_need_no_search(tmp_path):
    topology = tmp_path / "topology.csv"
    topology.write_text("")
    result = CliRunner().invoke(
        main, ["estimate", "--scalesim", str(topology), "--search", "5"]
    )
    assert result.exit_code == 2
    assert "--search belongs to NETWORK, not to --scalesim" in result.output


def test_no_search_without_fusion():
    with pytest.raises(InputError, match="search must be 0 without fusion, not 3"):
        estimate("kws", search=3, fusion=False)
