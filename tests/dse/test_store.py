import dataclasses
import errno
import fcntl
import json

import pyarrow.parquet
import pytest

from accel.dse.errors import SweepError
from accel.dse.evaluate import failure
from accel.dse.point import Point
from accel.dse.store import Store

IDENTITY = {"network": "a", "network_hash": "1", "engine": "model", "code": "2"}
POINTS = [Point(latency=number) for number in (1, 2, 3)]


def row(point, cycles=100):
    return {**dataclasses.asdict(point), "status": "ok", "error": "", "seconds": 0.5, "pes": 256,
            "buffer_bytes": 10, "cycles": cycles}  # fmt: skip


def read(folder):
    return pyarrow.parquet.read_table(folder / "results.parquet")


def test_what_was_kept_is_there_again(tmp_path):
    with Store(tmp_path, IDENTITY) as store:
        store.add(row(POINTS[0]))
        store.add({**dataclasses.asdict(POINTS[1]), **failure("no\nway"), "seconds": 0.0})
    table = read(tmp_path)
    assert table.schema.metadata[b"engine"] == b"model"
    first, second = table.to_pylist()
    assert (first["latency"], first["cycles"], first["pareto"]) == (1, 100, True)
    assert (second["status"], second["error"], second["cycles"]) == ("failed", "no way", None)
    with Store(tmp_path, IDENTITY) as store:
        assert store.row(POINTS[0]) == row(POINTS[0])
        assert store.row(POINTS[2]) is None
        store.add(row(POINTS[1], 90))
    assert [one["cycles"] for one in read(tmp_path).to_pylist()] == [100, 90]


def test_an_interruption_loses_nothing_that_was_finished(tmp_path):
    with pytest.raises(KeyboardInterrupt), Store(tmp_path, IDENTITY) as store:
        store.add(row(POINTS[0]))
        raise KeyboardInterrupt
    assert read(tmp_path).num_rows == 1


def test_a_half_written_line_is_cut_off(tmp_path):
    with Store(tmp_path, IDENTITY) as store:
        store.add(row(POINTS[0]))
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"rows": 16, "co')
    with Store(tmp_path, IDENTITY) as store:
        assert store.rows == [row(POINTS[0])]
        store.add(row(POINTS[1]))
    with Store(tmp_path, IDENTITY) as store:
        assert len(store.rows) == 2


NO_STATUS = json.dumps(dataclasses.asdict(POINTS[0])).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("journal.jsonl", b'{"rows": 1}\n', r"journal.jsonl, line 1: is damaged"),
        ("journal.jsonl", NO_STATUS, r"journal.jsonl, line 1: is damaged: status must be"),
        ("journal.jsonl", NO_STATUS.replace(b"}", b', "status": 3}'), r"line 1: is .*, not 3$"),
        ("journal.jsonl", b"\xff\n", r"journal.jsonl: is damaged: 'utf-8'"),
        ("sweep.json", b"[]", r"sweep.json: is damaged: must be an object, not \[\]"),
        ("sweep.json", b"{", r"sweep.json: is damaged"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, message):
    with Store(tmp_path, IDENTITY):
        pass
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SweepError, match=message):
        Store(tmp_path, IDENTITY)


@pytest.mark.parametrize("name", ["network", "network_hash", "engine", "code"])
def test_another_sweeps_folder_is_refused(tmp_path, name):
    with Store(tmp_path, IDENTITY):
        pass
    with pytest.raises(SweepError, match=f"another {name.replace('_', ' ')}, .*choose another"):
        Store(tmp_path, IDENTITY | {name: "x"})


def test_two_sweeps_do_not_share_a_folder(tmp_path):
    with Store(tmp_path, IDENTITY), pytest.raises(SweepError, match="another sweep is writing"):
        Store(tmp_path, IDENTITY)


def test_two_sweeps_that_begin_at_once(tmp_path):
    """Who comes first may not have said yet what his results are of."""
    (tmp_path / "journal.jsonl").touch()
    with (tmp_path / "journal.jsonl").open() as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        with pytest.raises(SweepError, match="another sweep is writing"):
            Store(tmp_path, IDENTITY)
    assert not (tmp_path / "sweep.json").exists()


def test_a_full_disk_is_named_and_loses_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    rule = "the same command continues it"
    with pytest.raises(SweepError, match=rule), Store(tmp_path, IDENTITY) as store:
        store.add(row(POINTS[0]))
        monkeypatch.setattr(store._journal, "flush", full, raising=False)
        store.add(row(POINTS[1]))
    with Store(tmp_path, IDENTITY) as store:
        assert row(POINTS[0]) in store.rows


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match="cannot hold a sweep"):
        Store(tmp_path / "file" / "deeper", IDENTITY)
