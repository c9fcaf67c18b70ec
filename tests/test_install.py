"""Installed as users install it, the package is one name, ``accel``, wherever it is imported.

Wheels are built by the project's own backend and laid into fresh environments, beside the
packages that these tests run with; then scripts run in folders that are in the way.
"""

import pathlib
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent
#: What a script finds out about the package; a line each.
LOOK = """
import accel, accel.models, accel.rtl.top, accel.report.files
print(accel.models.BUILTIN["lenet5"].network.is_file())
print(callable(accel.run), callable(accel.golden_run))
print(accel.rtl.top.Accelerator.__module__)
"""
SEEN = ["True", "True True", "accel.rtl.top"]


@pytest.fixture(scope="module", params=["build_wheel", "build_editable"])
def python(request, tmp_path_factory):
    """The Python of an environment with accel installed in one of the two ways."""
    folder = tmp_path_factory.mktemp(request.param)
    subprocess.run(
        [sys.executable, "-c", f"import hatchling.build as b; b.{request.param}({str(folder)!r})"],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    venv.create(folder / "env", with_pip=False)
    site = next((folder / "env").rglob("site-packages"))
    (wheel,) = folder.glob("cnn_accel-*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    # The packages that it needs; a .pth file of theirs, the checkout's for one, is not followed.
    (site / "needed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "env" / "bin" / "python"


def answer(python, *arguments, folder):
    done = subprocess.run(
        [python, *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(params=["packages", "modules", "namespaces", "clone"])
def hostile(request, tmp_path):
    """A folder whose contents have the names that accel's own have."""
    names = ["models", "rtl", "report", "tests", "reports"]
    if request.param == "packages":
        for name in names:
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text("MINE = True\n")
    elif request.param == "modules":
        for name in names:
            (tmp_path / f"{name}.py").write_text("MINE = True\n")
    elif request.param == "namespaces":
        for name in names:
            (tmp_path / name).mkdir()
            (tmp_path / name / "MINE.py").write_text("")
    else:  # a clone of this project, called accel: no package itself, but it holds one
        for name in ("accel", "rtl", "models"):
            (tmp_path / "accel" / name).mkdir(parents=True)
            (tmp_path / "accel" / name / "__init__.py").write_text("raise ImportError('clone')\n")
    return tmp_path


def test_accel_is_found_in_a_hostile_folder(python, hostile):
    (hostile / "script.py").write_text(LOOK)
    assert answer(python, "script.py", folder=hostile) == SEEN
    assert answer(python, "-c", LOOK, folder=hostile) == SEEN
    assert "lenet5" in "".join(answer(python, "-m", "accel.cli", "models", folder=hostile))


def test_a_users_own_names_stay_theirs(python, tmp_path):
    for name in ("models", "rtl", "tests", "reports"):
        code = f"import accel\ntry:\n import {name}\nexcept ImportError:\n print('free')"
        assert answer(python, "-c", code, folder=tmp_path) == ["free"]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text("")
    assert answer(python, "-c", "import accel.models, models.mine", folder=tmp_path) == []


def test_pages_and_messages_name_this_distribution():
    """PyPI's accel is another project."""
    files = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
    for top in ("accel", "rtl", "models", "tests"):
        files += (ROOT / top).rglob("*.py")
    for path in files:
        found = re.search(r"install [^\n]*\baccel\[", path.read_text().replace("cnn-accel[", ""))
        assert not found or path == pathlib.Path(__file__), f"{path}: {found}"


def test_the_documentation_is_not_installed(python, request, tmp_path):
    """It is made of a whole checkout; a wheel has none."""
    code = "try:\n import accel.docs\n print('there')\nexcept ImportError:\n print('none')"
    checkout = request.node.callspec.params["python"] == "build_editable"
    assert answer(python, "-c", code, folder=tmp_path) == ["there" if checkout else "none"]
