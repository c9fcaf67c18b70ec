"""Where results go when nobody says: never into what a checkout tracks."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import click
import click.testing
import pytest

from accel import models, version
from accel.cli import main

ROOT = pathlib.Path(__file__).parents[2]
RUN = [sys.executable, "-m", "accel.cli"]
FIRST = {
    ("run", "notes", "--array", "4x4"): "run/notes",
    ("estimate", "lenet5"): "estimate/lenet5",
    ("sweep", "notes", "--array", "4x4", "--jobs", "1"): "sweep/notes",
}


def commands(group, path=()):
    """Every command of the program."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


@pytest.mark.parametrize("name, command", list(commands(main)), ids=lambda value: str(value)[:20])
def test_no_default_is_tracked(name, command):
    for parameter in command.params:
        assert "reports" not in str(parameter.default), f"{name} {parameter.name}"
        assert "reports/" not in (getattr(parameter, "help", "") or ""), f"{name} {parameter.name}"


@pytest.mark.parametrize("command, place", FIRST.items(), ids=lambda value: str(value)[:16])
def test_a_checkout_stays_clean(tmp_path, command, place):
    """What git has to say of a project with our ignored files, after a user's command in it."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    shutil.copytree(ROOT / "reports" / "mnist", tmp_path / "reports" / "mnist")

    def git(*arguments):
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path,
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "all")
    subprocess.run([*RUN, *command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
                   check=True, capture_output=True)  # fmt: skip
    assert git("status", "--porcelain") == ""
    assert list((tmp_path / "build" / place).iterdir())


def test_a_report_says_how_it_was_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = click.testing.CliRunner().invoke(main, ["estimate", "mnist", "--out", "a place"])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "a place" / "report.json").read_text())
    assert report["command"] == "accel estimate mnist --out 'a place'"
    assert report["version"] == version.version()
    file = models.BUILTIN["mnist"].network.read_bytes()
    assert report["network_sha256"] == hashlib.sha256(file).hexdigest()


def test_the_version():
    done = click.testing.CliRunner().invoke(main, ["--version"])
    assert done.exit_code == 0
    assert done.output.split()[-1] == version.version()


def test_a_checkout_that_is_only_on_the_path(monkeypatch):
    monkeypatch.setattr(version, "DISTRIBUTION", "no-such-distribution")
    assert version.version() == "unknown"
