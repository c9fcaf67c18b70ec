"""The page is one file of text that asks for nothing; what cannot be a page is refused."""

import base64
import dataclasses
import gzip
import importlib.util
import json
import re

import click.testing
import pytest

from accel import machines
from accel.cli import main
from accel.page import PageError, bundle, network, page
from tests.page.support import MARKUP, module, needs_builder, subject

DESCRIBED = {"name": "small"}


def parts(text: str) -> dict:
    """What a page carries, by the element's id."""
    found = dict(re.findall(r'<script type="application/gzip;base64" id="(\S+)">([^<]*)<', text))
    return {name: gzip.decompress(base64.b64decode(data)) for name, data in found.items()}


def test_a_page_is_one_file_without_addresses():
    text = bundle.bundle(DESCRIBED, b"\0asm")
    assert parts(text)["module-data"] == b"\0asm"
    assert json.loads(parts(text)["network-data"])["name"] == "small"
    assert not re.search(r"https?:|//[a-z]+\.[a-z]|@import|url\(|src=", text)
    assert 'href="data:,"' in text and text.count("href=") == 1
    assert len(re.findall("<script", text)) == len(re.findall("</script>", text)) == 4
    for placeholder in ("STYLE", "WORKER", "MODULE", "NETWORK", "SCRIPTS"):
        assert f"/*{placeholder}*/" not in text
    assert text == bundle.bundle(DESCRIBED, b"\0asm")


def test_a_name_with_markup_is_nowhere_in_the_file():
    text = bundle.bundle({"name": MARKUP, "layers": [{"name": MARKUP}]}, b"")
    assert json.loads(parts(text)["network-data"])["layers"][0]["name"] == MARKUP
    assert MARKUP not in text and "onerror" not in text


def test_the_scripts_make_no_markup_of_strings():
    """Text is set as text; nothing is parsed as HTML, and nothing is run that came as a string."""
    for name in (*bundle.SCRIPTS, "worker.js"):
        text = bundle.read(bundle.WEB / name)
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                     "new Function", "fetch(", "XMLHttpRequest", "import("):  # fmt: skip
            assert word not in text, (name, word)


def test_too_large_a_page_is_refused(monkeypatch):
    monkeypatch.setattr(bundle, "MOST_BYTES", 1000)
    with pytest.raises(PageError, match=r"small: the page would have [\d,]+ bytes, and at most "):
        bundle.bundle(DESCRIBED, b"")


def test_what_a_page_cannot_show_is_refused():
    """More than the machine and a softmax, several inputs, inputs that are no pictures."""
    ours = subject("shallow")
    graph, program = ours.graph, ours.program
    network.checked(graph, program)
    (step,) = program.steps
    lrn = dataclasses.replace(program, steps=(dataclasses.replace(step, host=("conv1",)),))
    with pytest.raises(PageError, match="shallow: .* the host's part 'conv1' cannot be shown"):
        network.checked(graph, lrn)
    with pytest.raises(PageError, match="shallow: .* the host's part 'conv1' cannot be shown"):
        network.checked(graph, dataclasses.replace(program, steps=(step, step)))
    with pytest.raises(PageError, match="one input and one output, not 2 and 1"):
        network.checked(dataclasses.replace(graph, inputs=graph.inputs * 2), program)
    name = graph.inputs[0].tensor
    flat = dataclasses.replace(graph.tensors[name], shape=(1, 1, 784))
    with pytest.raises(PageError, match=r"image of 1 or 3 channels, not of shape \(1, 1, 784\)"):
        network.checked(dataclasses.replace(graph, tensors=graph.tensors | {name: flat}), program)


def test_without_zig_one_line_says_what_to_install(monkeypatch, tmp_path):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "ziglang" else
        real(name, *rest),
    )  # fmt: skip
    done = click.testing.CliRunner().invoke(
        main, ["page", "shallow", "-o", str(tmp_path / "page.html")]
    )
    assert done.exit_code == 3
    assert "Zig, which compiles the machine to WebAssembly, is missing: pip install" in done.output
    assert len(done.output.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_memory_that_stalls_at_random_is_refused():
    stalling = machines.open_machine("small", {"stall_seed": 3, "stall_percent": 50})
    with pytest.raises(PageError, match="a page's memory has no stall_percent"):
        page.make("shallow", machine=stalling)


@pytest.mark.parametrize("option", ["packed_products", "parity"])
def test_what_a_page_cannot_look_into_is_refused(option):
    other = machines.open_machine("small", {option: True})
    with pytest.raises(PageError, match=f"machine small has {option} = true; set it to false"):
        page.make("shallow", machine=other)


def test_the_command_writes_a_page(tmp_path):
    needs_builder()
    path = tmp_path / "page.html"
    done = click.testing.CliRunner().invoke(
        main, ["page", "shallow", "-o", str(path), "--array", "4x4", "--machine", "default"]
    )
    assert done.exit_code == 0, done.output
    assert "2,362 of 2,362 bytes equal golden's" in done.output.replace("\n", " ")
    text = path.read_text()
    assert len(text) < bundle.MOST_BYTES
    carried = parts(text)
    assert carried["module-data"] == module().code
    described = json.loads(carried["network-data"])
    assert [layer["name"] for layer in described["layers"]] == ["conv1", "conv2", "dense1"]
    assert len(described["samples"]) == network.SAMPLES
    assert described["samples"][0]["label"] is not None
    assert described["program"]["bytes"] == subject("shallow").program.memory_bytes
    assert list(tmp_path.iterdir()) == [path]
