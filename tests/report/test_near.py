"""What is shown of a layer whose result never leaves the chip."""

import numpy as np
import pytest

import accel
from accel.dump import compare
from accel.report import folder, inside, overlap


@pytest.fixture(scope="module")
def result():
    return accel.run("kws", limit=1, array=(4, 4))


def test_the_table_says_where_its_bytes_are_checked(result):
    rows = result.report["layers"]
    near = [row for row in rows if row.get("near")]
    assert near and all(row["mismatches"] is None for row in near)
    assert overlap.NEAR in overlap.note(result.report)
    alone = accel.run("kws", limit=1, array=(4, 4), fusion=False)
    assert overlap.NEAR not in overlap.note(alone.report)
    assert all(row["mismatches"] == 0 for row in alone.report["layers"] if row["where"] != "host")
    for one, other in zip(result.outputs, alone.outputs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_page_and_the_layers_show_the_golden_models(result, tmp_path):
    shown = inside.described(result.inside)
    names = {row["name"] for row in result.report["layers"] if row.get("near")}
    assert names == {name for name, one in shown.items() if one["near"]}
    assert all("differ" not in shown[name] for name in names)
    for layer in result.layers:
        np.testing.assert_array_equal(layer.output, layer.golden)
    assert not folder.write(result.report, tmp_path, lambda: shown)
    assert "stay on the chip" in (tmp_path / "index.html").read_text()


def test_a_dump_of_long_names_agrees_with_itself(result, tmp_path):
    result.dump(tmp_path / "dump")
    found = compare(tmp_path / "dump", tmp_path / "dump")
    assert found.files and not found.differences
