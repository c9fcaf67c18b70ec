"""Samples of the campaign of random layers, and that it shrinks, goes on, and tells."""

import dataclasses

import numpy as np
import pytest

from tests.layers import campaign
from tests.layers.campaign import Chunk, Journal, run_chunk
from tests.layers.draws import Draws, Endless, shrunk
from tests.layers.report import page
from tests.support import witnesses
from tests.support.machines import ALL, least


@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.campaign), 5])
def test_a_sample(number):
    """Always the same layers: a failure must repeat."""
    chunk = run_chunk(7, number, 24)
    assert chunk.layers == 24 and not chunk.failed
    assert chunk.refused < 5 and chunk.compared and chunk.counters and chunk.cycles


@pytest.mark.campaign
@pytest.mark.parametrize("number", range(len(ALL)))
def test_of_every_machine(number):
    chunk = run_chunk(1, number)
    assert chunk.layers == campaign.CHUNK and not chunk.failed


def test_a_layer_that_fails_is_shrunk(monkeypatch):
    """A golden model that is wrong in every byte of tensors with more than one channel."""
    right = witnesses.golden.run

    def run(graph, images):
        tensors = right(graph, images)
        for node in graph.nodes:
            if tensors[node.output].shape[-1] > 1:
                tensors[node.output] = ~tensors[node.output]
        return tensors

    monkeypatch.setattr(witnesses.golden, "run", run)
    chunk = run_chunk(3, 0, 20)
    assert "batch 1" in chunk.failed and "input (1, 1, 2)" in chunk.failed, chunk.failed


def test_an_interrupted_campaign_goes_on(tmp_path):
    path = tmp_path / "chunks.jsonl"
    Journal(path).put(Chunk(1, 4, layers=250))
    with path.open("a") as file:
        file.write('{"seed": 1, "num')  # killed while it wrote
    assert Journal(path).chunks == {(1, 4): Chunk(1, 4, layers=250)}


def test_the_page_says_what_ran_and_what_failed():
    good = Chunk(1, 0, "abc", 250, 3, 1000, 2000, 3000, 1.0, {"conv2d": 260})
    text = page([good], "python -m this")
    assert "**247 layers ran, 0 failed.**" in text and "260 conv2d" in text
    bad = dataclasses.replace(good, number=1, failed="max_pool: 3 bytes")
    text = page([good, bad], "python -m this")
    assert "1 failed" in text and "seed 1, chunk 1" in text and "max_pool: 3 bytes" in text


def test_machines_are_of_every_kind():
    assert {machine.rows for machine in ALL} >= {4, 8, 16}
    assert {machine.bus_bytes for machine in ALL} == {4, 8, 16, 32, 64, 128}
    assert ALL.count(least(4, 4, 4)) == 1 and len(set(ALL)) == len(ALL)
    smallest = least(4, 4, 4)
    for name in ("input_bytes", "acc_rows", "weight_tiles", "pool_entries", "window_bytes"):
        with pytest.raises(ValueError, match=name):
            dataclasses.replace(smallest, **{name: getattr(smallest, name) // 2})


def test_draws_can_be_given_again():
    rng = Draws([1, 2])
    first = [rng.integers(-128, 128), rng.random(), rng.uniform(-2, 3), rng.choice("abc")]
    again = Draws([9], rng.made)
    assert first == [again.integers(-128, 128), again.random(), again.uniform(-2, 3),
                     again.choice("abc")]  # fmt: skip
    assert again.integers(5, 9) == 5  # what is not given is the least
    arrays = Draws([1, 2]).integers(0, 9, (2, 3))
    np.testing.assert_array_equal(arrays, rng.integers(0, 9, (2, 3)))  # of the seed alone
    with pytest.raises(Endless):
        while True:
            again.random()


def test_the_smallest_draws_that_fail():
    def fails(trial):
        return trial if sum(trial) >= 10 and len(trial) > 1 else None

    small = shrunk([40, 3, 7, 90, 2], fails)
    assert len(small) == 2 and sum(small) == 10
