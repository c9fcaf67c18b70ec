"""A package of a network whose tensors lie by channel groups: they are compared as they lie."""

import json

import numpy as np

import accel
from accel import package
from tests.package.support import MACHINE, PARAMS
from tests.support.machine import Machine
from tests.support.networks import Builder


def test_the_expected_bytes_are_those_that_the_machine_leaves_there(tmp_path):
    rng = np.random.default_rng(4)
    net = Builder(rng, (5, 6, 3)).conv(8, (3, 3), padding=(1, 1, 1, 1))
    first = net.last
    graph = net.conv(8).add(first).conv(3).graph()
    images = rng.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
    package.package(graph, tmp_path / "made", MACHINE, images)
    about = json.loads((tmp_path / "made" / "memory_map.json").read_text())
    tensors = about["tensors"]
    assert [one["first_channel"] for one in tensors if one["name"] == first.name] == [0, 4]
    expected = np.fromfile(tmp_path / "made" / "sim/vectors/expected.bin", np.int8)
    program = accel.compile(graph, params=PARAMS)
    for image, bytes_of_image in zip(images, expected.reshape(2, -1), strict=True):
        machine = Machine(program, {"input": image[None]})
        machine.run()
        found = [
            machine.memory.view(np.int8)[
                one["offset"] + y * one["row_bytes"] + x * one["pixel_bytes"] + channel
            ]
            for one in tensors
            for y in range(one["height"])
            for x in range(one["width"])
            for channel in range(one["channels"])
        ]
        assert np.array_equal(found, bytes_of_image)
