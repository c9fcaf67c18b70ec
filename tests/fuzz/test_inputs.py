"""A quick share of the fuzzing of every other kind of file, and what it has found."""

import random

import pytest

from accel import npz
from accel.dse.errors import SweepError
from accel.scalesim.errors import ScaleSimError
from accel.scalesim.topology import read_topology
from accel.train import checkpoint
from accel.train.errors import TrainingError
from tests.fuzz import inputs


@pytest.mark.parametrize("name", inputs.KINDS)
def test_a_share(name, tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "FAILURES", tmp_path)
    outcomes, failures, _ = inputs.fuzz(name, 300, 3)
    assert failures == []
    assert min(outcomes["read"], outcomes["refused"]) > 0  # neither all damaged nor none


def test_good_files_are_read(tmp_path):
    for kind in inputs.KINDS.values():
        path = tmp_path / f"input{kind.suffix}"
        read = []
        for seed in kind.seeds():
            path.write_bytes(seed)
            read.append(inputs.judged(kind, path) == ("read", None))
        assert any(read)


def test_what_fails_is_kept(tmp_path, monkeypatch):
    def broken(path):
        raise IndexError("no such place")

    monkeypatch.setattr(inputs, "FAILURES", tmp_path)
    monkeypatch.setitem(inputs.KINDS, "config", inputs.Kind(".cfg", lambda: [b"a = 1"], broken))
    _, failures, _ = inputs.fuzz("config", 3, 1)
    assert len(failures) == len([*tmp_path.iterdir()]) == 3
    assert "IndexError: no such place" in failures[0]


def test_mutations_are_the_same_again():
    made = [inputs.mutated(b"rows = 8\n", random.Random(seed)) for seed in range(50)]
    assert made == [inputs.mutated(b"rows = 8\n", random.Random(seed)) for seed in range(50)]
    assert len({*made}) > 25


def test_an_array_that_claims_to_be_huge(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(inputs.lying("(4294967296, 5, 5, 3)"))
    with pytest.raises(npz.NpzError, match=r"a\.npz: array 'images' cannot be read"):
        npz.read(path, "images")
    with pytest.raises(TrainingError, match=r"a\.npz: is damaged"):
        checkpoint.load(path)


def test_an_archive_packed_in_an_unknown_way(tmp_path):
    path = tmp_path / "a.npz"
    (content,) = inputs.KINDS["checkpoint"].seeds()
    at = content.index(b"PK\x01\x02") + 10  # the method, in the directory
    path.write_bytes(content[:at] + b"\x63" + content[at + 1 :])
    with pytest.raises(TrainingError, match=r"a\.npz: is damaged"):
        checkpoint.load(path)


def test_a_number_of_thousands_of_digits(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"Layer, M, N, K,\nA, {'9' * 5000}, 1, 1,\n")
    with pytest.raises(ScaleSimError, match=r"line 2: layer 'A': 'M' must be .* not '999") as error:
        read_topology(path)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"status": "ok"}', "pes must be a positive integer, not None"),
        ("[1]", "must be an object"),
        ('{"status": "failed", "cycles": Infinity}', "inf"),
        ('{"status": "failed", "cycles": "few"}', "few"),
        ('{"status": "ok", "pes": 1, "buffer_bytes": 1, "cycles": 9, "batch": 0}', "batch must be"),
    ],
)
def test_a_journal_with_what_no_sweep_writes(line, why, tmp_path):
    path = tmp_path / "a.sweep"
    path.write_text(f"{line}\n")
    with pytest.raises(SweepError, match=rf"line 1: is damaged: .*{why}"):
        inputs.KINDS["sweep"].read(path)


def test_what_came_out_is_kept(tmp_path, monkeypatch):
    """A second call computes nothing again, and a line that was cut off is none."""
    journal = tmp_path / "inputs.jsonl"
    first = inputs.kept("config", 20, 1, journal)
    with journal.open("a") as file:
        file.write('{"kind": "conf')
    inputs.kept("config", 20, 2, journal)
    monkeypatch.setattr(inputs, "fuzz", None)
    assert inputs.kept("config", 20, 1, journal) == first
    assert first["read"] + first["refused"] == 20
