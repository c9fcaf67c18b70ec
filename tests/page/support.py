"""What the page's tests share: a 4x4 machine as WebAssembly, networks on it, a browser."""

import contextlib
import functools
import importlib.util
import os
import pathlib
import shutil
from collections.abc import Iterator

import numpy as np
import pytest

import accel
from accel import machines
from accel.graph import ports
from accel.opening import open_network, own_images
from accel.page import network, wasm

#: The machine of other tests, so that its native simulators are there already.
MACHINE = machines.open_machine("default", {"rows": 4, "cols": 4})
#: A name that would be a picture, and run a script, if a page took it for markup.
MARKUP = "<img src=x onerror=window.markup=1>"
#: How a browser is started here: with a new profile, and without looking for anything by itself.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def needs_builder() -> None:
    """Skip where a page cannot be built."""
    for name in ("ziglang", "wasmtime"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}: pip install 'cnn-accel[page]'")
    if not accel.sim.verilator.available():
        pytest.skip("needs Verilator and a C++ compiler")


@functools.cache
def module() -> wasm.Module:
    """The machine of these tests."""
    needs_builder()
    return wasm.build(MACHINE.params)


@functools.cache
def subject(name: str, images: int = 2) -> network.Network:
    """A built-in network on the machine, with its first images."""
    graph = open_network(name)
    given, labels, _ = own_images(name, graph, images)
    program = network.compiled(graph, MACHINE.params)
    classes = network.labels(graph, labels, len(given))
    return network.Network(
        graph, program, MACHINE, ports.quantise(graph, given[:images]), classes,
        (float(np.min(given)), float(np.max(given))),
    )  # fmt: skip


def find_chromium() -> str | None:
    """Debian's browser, or another Chromium."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextlib.contextmanager
def browser() -> Iterator:
    """Playwright's Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    path = find_chromium()
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()


def opened(browser_, path: pathlib.Path, width: int = 1200):
    """The page at ``path``, computed; its problems and requests are collected."""
    page = browser_.new_page(viewport={"width": width, "height": 900})
    page.problems, page.asked = [], []
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(f"file://{os.fspath(path)}")
    page.wait_for_selector("body[data-ready=yes]")
    return page
