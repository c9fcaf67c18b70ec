import pytest

from accel.report.words import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (4000, "4,000 images")]
)
def test_counted(number, text):
    assert counted(number, "image") == text
