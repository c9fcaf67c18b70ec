"""The ceilings' arithmetic: below no network's cycles may be."""

import pytest

from tests.support import ceilings


@pytest.mark.parametrize("network", ["kws", "resnet8", "mobilenet"])
def test_no_network_is_faster_than_its_floor(network, tmp_path):
    case = next(case for case in ceilings.CASES if case.network == network)
    report = ceilings.predicted(case, tmp_path)
    least = ceilings.floor(report, case.params)
    assert 0.7 * report["total"]["cycles"] < sum(least.values()) < report["total"]["cycles"]
    assert network in ceilings.row(case, tmp_path)


def test_a_tile_takes_as_many_cycles_as_the_array_has_rows():
    params = ceilings.Case("kws", "16x16", 0).params
    conv = {"images": 1, "pixels": [3, 3]}
    layer = {"where": "array", "op": "conv2d", "busy_cycles": 90, "conv": conv}
    assert ceilings.floor({"layers": [layer]}, params)["array"] == 160


def test_weights_of_a_single_pixel_are_the_memory_s():
    params = ceilings.Case("kws", "16x16/8", 0).params
    layer = {"where": "array", "op": "fully_connected", "busy_cycles": 10, "bytes_read": 4096,
             "bytes_written": 64}  # fmt: skip
    least = ceilings.floor({"layers": [layer]}, params)
    assert (params.bus_bytes, least["array"], least["weights"]) == (8, 10, 510)
