"""The formula of each layer's multiplications: its factors make its number."""

import math

import accel
from accel.report import formula


def product(conv):
    return conv["images"] * math.prod(
        (*conv["pixels"], conv["outputs"], *conv["kernel"], conv["depth"])
    )


def test_factors_make_every_layers_multiplications():
    for network, batch, images in (("lenet5", 2, 5), ("mobilenet_v2", 1, 1), ("googlenet", 1, 1)):
        report = accel.estimate(network, batch=batch, images=images)
        rows = [row for row in report["layers"] if row["macs"]]
        for row in rows:
            if "conv" in row:
                assert product(row["conv"]) == row["macs"], row["name"]
        explained = sum(row["macs"] for row in rows if "conv" in row)
        assert explained == report["total"]["macs"] > 0  # these networks have nothing else
    assert accel.estimate("lenet5", images=3)["layers"][1]["conv"] == {
        "images": 3, "pixels": [28, 28], "outputs": 6, "kernel": [5, 5], "depth": 1, "groups": 1,
        "stride": [1, 1],
    }  # fmt: skip


def test_depthwise_layers_say_their_groups():
    rows = accel.estimate("kws")["layers"]
    groups = {row["conv"]["groups"]: row["where"] for row in rows if "conv" in row}
    assert groups == {1: "array", 64: "window"}


def test_a_layer_that_is_part_of_one_has_none():
    graph = accel.open_network("notes")
    one = math.prod((4, 4, 1, 3, 3, 1))
    assert formula._factors(graph, graph.nodes[0], one - 1) is None
    assert formula._factors(graph, graph.nodes[0], 3 * one)["images"] == 3
    assert formula._factors(graph, graph.nodes[0], 0) is None
