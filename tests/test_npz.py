"""Files that are no .npz files, or hold something else than what is needed."""

import zipfile

import numpy as np
import pytest

from accel import npz
from accel.errors import AccelError
from accel.train import checkpoint


def test_needed_and_optional_arrays(tmp_path):
    np.savez(tmp_path / "in.npz", images=[1, 2], labels=[3], more=[4])
    found = npz.read(tmp_path / "in.npz", "images", optional=["labels", "absent"])
    assert {name: array.tolist() for name, array in found.items()} == {
        "images": [1, 2], "labels": [3],
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"images\n1 2 3\n", b"PK no zip"])
def test_other_files(tmp_path, content):
    (tmp_path / "in.npz").write_bytes(content)
    with pytest.raises(npz.NpzError) as error:
        npz.read(tmp_path / "in.npz", "images")
    assert str(error.value).endswith("in.npz: is not a readable .npz file: it is no zip archive")


def test_a_single_array(tmp_path):
    np.save(tmp_path / "plain.npy", [1])
    with pytest.raises(npz.NpzError, match=r"plain\.npy: is not .* but a single array"):
        npz.read(tmp_path / "plain.npy", "images")


def test_damage_and_absence(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", images=np.arange(100))
    whole = (tmp_path / "whole.npz").read_bytes()
    broken = bytearray(whole)
    broken[60:100] = bytes(40)
    for content in (whole[: len(whole) // 2], bytes(broken)):
        (tmp_path / "in.npz").write_bytes(content)
        with pytest.raises(npz.NpzError, match=r"in\.npz: is not a readable \.npz file: \S"):
            npz.read(tmp_path / "in.npz", "images")
    for name in ("gone.npz", "."):
        with pytest.raises(npz.NpzError, match=r"is not a readable \.npz file: \S"):
            npz.read(tmp_path / name, "images")


def test_members_that_are_not_needed_arrays(tmp_path):
    path = tmp_path / "in.npz"
    np.savez(path, images=np.array([None]))
    with pytest.raises(npz.NpzError, match=r"in\.npz: array 'images' cannot be read: Object"):
        npz.read(path, "images")
    with pytest.raises(npz.NpzError, match=r"in\.npz: must hold \['labels'\], has \['images'\]"):
        npz.read(path, "images", "labels")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images", b"text")
    with pytest.raises(npz.NpzError, match=r"in\.npz: 'images' is no array"):
        npz.read(path, "images")


@pytest.mark.parametrize("read", [lambda path: npz.read(path, "images"), checkpoint.load])
def test_a_name_of_thousands_of_characters_is_not_said_in_full(read, tmp_path):
    """The archive's list names a member otherwise than the member itself does."""
    path = tmp_path / "in.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", b"text")
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[26:28], "little")  # of the name before the member
    data[26:28] = (5000).to_bytes(2, "little")
    data[30 + length : 30 + length] = b"x" * (5000 - length)
    listed = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    data[end + 16 : end + 20] = listed.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(AccelError, match="File name in directory") as raised:
        read(path)
    assert len(str(raised.value)) < 1500


def test_an_array_s_name_is_not_said_in_full_either(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.npz", "w") as file:
        for name in "ab":
            file.writestr(name * 5000, b"text")
    with pytest.raises(npz.NpzError, match="is no array") as raised:
        npz.read(tmp_path / "in.npz", "images", instead=True)
    assert len(str(raised.value)) < 1500
