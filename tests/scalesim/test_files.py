import pathlib

import pytest

from accel.scalesim import Config, Layer, ScaleSimError, machine, read_config, read_topology

DATA = pathlib.Path(__file__).parent.parent / "data" / "scalesim"
HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, N, S,"


def write(tmp_path, text, name="net.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_convolution_and_what_is_skipped(tmp_path):
    rows = "\n,,,,,,,\n\nConv1 ,10, 12,3,5,7,9,2,,,4\nDWConvDP,9,9,3,3,4,1,1,\n"
    rows += "last,1,1,1,1,8,2,1, 1:1,"
    assert read_topology(write(tmp_path, HEADER + rows)) == [
        Layer("Conv1", 10, 12, (3, 5), 7, 9, (2, 2)),
        Layer("DWConvDP", 9, 9, (3, 3), 4, 1, depthwise=True),
        Layer("last", 1, 1, (1, 1), 8, 2),
    ]


def test_output_sizes_are_rounded_up():
    # (10 - 3) / 2 + 1 = 4.5 rows, (12 - 5) / 2 + 1 = 4.5 columns.
    layer = Layer("a", 10, 12, (3, 5), 7, 9, (2, 2))
    assert (layer.pixels, layer.reduction, layer.macs) == (25, 105, 25 * 105 * 9)


STRIDES = HEADER.replace("S,", "Stride Height, Stride Width,")


@pytest.mark.parametrize("more", ["", " Sparsity,"])
def test_each_axis_has_its_own_stride(tmp_path, more):
    row = "c,10,12,3,5,7,9,2,3," + ("1:1," if more else "")
    (layer,) = read_topology(write(tmp_path, f"{STRIDES}{more}\n{row}\n"))
    assert layer == Layer("c", 10, 12, (3, 5), 7, 9, (2, 3))
    # ceil(7 / 2) + 1 rows, ceil(7 / 3) + 1 columns; here, where only whole windows count: 4 x 3.
    assert layer.pixels == 5 * 4
    assert machine.output_size(layer, False) == (4, 3)


def test_matrix_products(tmp_path):
    (layer,) = read_topology(write(tmp_path, "Layer, M, N, K,\nfc, 6, 7, 8,\n"))
    assert (layer.pixels, layer.reduction, layer.filters) == (6, 8, 7)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "line 1: must be the header row"),
        ("Conv1,10,12,3,5,7,9,2,", "line 1: must be the header row"),
        (HEADER, "must list at least one layer"),
        (HEADER + "\nc,10,12,3,5,7,9", "line 2: layer 'c' must have 8 columns"),
        (HEADER + "\n\nc,10,12,3,x,7,9,2,", "line 3: layer 'c': 'Filter Width' must be an integer"),
        (HEADER + "\nc,10,12,3,5,7,-9,2,", "'Num Filter' must be an integer from 1 to .*'-9'"),
        (HEADER + "\nc,10,12,3,5,7,9,0,", "'Strides' must be an integer from 1 to .*'0'"),
        (HEADER + "\nc,10,12,3,5,7,9,,", "'Strides' must be an integer from 1 to .*''"),
        (HEADER + "\nc,2,12,3,5,7,9,1,", "'Filter Height' must be at most the 'IFMAP Height' 2"),
        (HEADER + "\nc,9,12,3,5,7,9,1,1:4,", "sparsity must be 1:1 .*'1:4'"),
        (STRIDES + "\nc,10,12,3,5,7,9,2,", "'Stride Width' must be an integer from 1 to .*''"),
        (HEADER + " Dilation,\nc,10,12,3,5,7,9,1,2,", "line 1: column 9 must be .*'Dilation'"),
        (STRIDES + " Pad,\nc,10,12,3,5,7,9,1,2,1,", "line 1: column 10 must be .*'Pad'"),
        (HEADER.replace("S,", "Pad, S,") + "\nc,9,9,3,3,7,9,1,2,", "column 8 must be Str.*'Pad'"),
        (HEADER + "\nc,10,12,3,5,7,9,1,2,", "layer 'c': column 9 has '2', and no header"),
        ("Layer, M, K, N,\nfc, 6, 7, 8\n", "line 1: column 3 must be N, not 'K'"),
        ("Layer, M, N, K, Sparsity,\nfc, 6, 7, 8, 1:2,\n", "sparsity must be 1:1 .*'1:2'"),
        ("Layer, M, N, K,\nfc, 6, 7,\n", "layer 'fc': 'K' must be an integer"),
    ],
)
def test_malformed_topologies(tmp_path, text, words):
    with pytest.raises(ScaleSimError, match=f"net.csv.*{words}"):
        read_topology(write(tmp_path, text))


def test_files_that_are_none(tmp_path):
    with pytest.raises(ScaleSimError, match="absent.csv: cannot be read"):
        read_topology(tmp_path / "absent.csv")
    path = tmp_path / "binary.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScaleSimError, match="binary.csv: is not a text file"):
        read_topology(path)


def test_its_own_configuration():
    assert read_config(DATA / "scale.cfg") == Config(32, 32, "ws")


@pytest.mark.parametrize(
    "text, words",
    [
        ("no file", "is no configuration file"),
        ("[general]\na = 1", r"must have a section \[architecture_presets\]"),
        ("ArrayHeight: 8\nDataflow: ws", "ArrayWidth must be a positive integer, not ''"),
        ("ArrayHeight: 8.5\nArrayWidth: 8\nDataflow: ws", "ArrayHeight must be .*'8.5'"),
        ("ArrayHeight: 8\nArrayWidth: 8\nDataflow: rs", "must be one of os, ws, is, not 'rs'"),
        ("ArrayHeight: 8\nArrayWidth: 8\nDataflow: ws\n[sparsity]\nSparsitySupport: true",
         "SparsitySupport must be false"),
    ],
)  # fmt: skip
def test_malformed_configurations(tmp_path, text, words):
    section = "" if text.startswith(("[", "no")) else "[architecture_presets]\n"
    with pytest.raises(ScaleSimError, match=f"^[^\n]*x.cfg: [^\n]*{words}[^\n]*$"):
        read_config(write(tmp_path, section + text, "x.cfg"))
