"""The fuzzer's own judgement: what counts as a failure, and that nothing is lost."""

import argparse
import json
import time

import pytest

from tests.fuzz import importers


@pytest.fixture
def options(tmp_path):
    return argparse.Namespace(format="tflite", work=str(tmp_path), count=10, seed=7,
                              failures=str(tmp_path / "failures"))


def outcome(options, load):
    trial = importers.Trial(options, load, ValueError)
    trial(b"content")
    trial.write()
    return json.loads((trial.path.parent / "result.json").read_text())


def test_success(options):
    seen = []
    result = outcome(options, lambda path: seen.append(path.read_bytes()))
    assert seen == [b"content"]
    assert (result["loaded"], result["refused"], result["failures"]) == (1, 0, [])


def refuse(text):
    def load(path):
        raise ValueError(text.format(path))
    return load


def test_a_clear_error(options):
    result = outcome(options, refuse("{}: operator 3 (ADD): rule, not 7"))
    assert (result["loaded"], result["refused"], result["failures"]) == (0, 1, [])


def busy(path):
    end = time.process_time() + 1.1
    while time.process_time() < end:
        pass


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (refuse("no name"), "unclear: 'no name'"),
        (refuse("{}: two\nlines"), "unclear"),
        (lambda path: [][1], "IndexError: list index out of range"),
        (lambda path: 1 // 0, "ZeroDivisionError"),
        (busy, "took 1.1"),
    ],
)
def test_failures_are_kept_with_their_input(load, text, options, tmp_path):
    (failure,) = outcome(options, load)["failures"]
    assert text in failure["failure"]
    assert failure["seed"] == 7
    assert (tmp_path / "failures" / failure["input"]).read_bytes() == b"content"


@pytest.mark.parametrize("form", sorted(importers.SEEDS))
def test_seeds_load(form, tmp_path):
    from accel.frontend import FloatModelError, load

    seeds, loaded = importers.SEEDS[form](), 0
    path = tmp_path / f"seed.{form}"
    for seed in seeds:
        path.write_bytes(seed)
        try:
            load(path)
            loaded += 1
        except FloatModelError:  # a seed of its own kind
            continue
    assert loaded >= 3 and len(seeds) - loaded <= 1


def test_mutations():
    native = []
    mutator = importers.Mutator(lambda data, most: native.append(data) or data[:most],
                                [bytes(range(64))], aligned=True)
    made = [mutator(bytes(64), 60, seed) for seed in range(200)]
    assert made == [mutator(bytes(64), 60, seed) for seed in range(200)]
    assert 30 < len(native) // 2 < 70
    assert {len(each) for each in made} == {60}
    differing = [sum(a != b for a, b in zip(each, range(60), strict=True)) for each in made]
    assert sum(0 < count <= 16 for count in differing) > 50  # a seed with few changes
    mutator(b"short", 60, 2)
    assert native[-1] == b"short"


def test_entries_add_up():
    keys = ("executions", "loaded", "refused", "seconds", "slowest_seconds", "peak_rss_mb",
            "coverage", "seed_files", "corpus_files")  # fmt: skip
    one, other = (
        {**dict.fromkeys(keys, number), "command": f"c{number}", "failures": [number], "limits": {}}
        for number in (1, 2)
    )
    both = importers.added(one, other)
    assert [both[key] for key in keys] == [3, 3, 3, 3, 2, 2, 2, 2, 2]
    assert (both["command"], both["failures"]) == ("c1; c2", [1, 2])
