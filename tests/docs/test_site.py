"""The site: builds without a warning, asks for nothing, and does not build with something wrong."""

import re
import subprocess
import sys

import pytest

import accel
from accel import isa
from accel.cli import main
from accel.docs import pictures, reference, site, stage
from tests.page.support import browser

pytestmark = pytest.mark.skipif(bool(site.missing()), reason="needs pip install 'cnn-accel[docs]'")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "accel.docs", "-o", out], cwd=stage.ROOT, text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_is_there_and_asks_for_nothing(built):
    pages = list(built.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]* src=\"(https?:[^\"]*)", text)
        loaded += re.findall(r"<link[^>]* href=\"(https?:[^\"]*)", text)
        assert not loaded, page
    for style in built.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?https?:", style.read_text(encoding="utf-8"))


def test_pages_of_the_commands_lie_beside_it(built):
    text = (built / "gallery.html").read_text(encoding="utf-8")
    linked = re.findall(r'href="(\w+\.html)" target="_blank"', text)
    assert sorted(linked) == [
        f"{name}.html" for name in
        ("googlenet", "mobilenet", "playground", "resnet50", "run", "sweep", "training")
    ]  # fmt: skip
    for name in linked:
        page = (built / name).read_text(encoding="utf-8")
        assert 'type="application/gzip;base64"' in page and len(page) > 30_000


def test_search_knows_the_pages_without_a_server(built):
    index = (built / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")
    for word in ("requantis", "wavefront", "tutorials/convolution", "reference/instructions"):
        assert word in index
    options = (built / "_static" / "documentation_options.js").read_text(encoding="utf-8")
    assert "SHOW_SEARCH_SUMMARY: false" in options  # they would be fetched


def test_search_finds_pages_in_a_browser_without_a_server(built):
    with browser() as chromium:
        page = chromium.new_page()
        problems, asked = [], []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{built / 'search.html'}?q=swap")
        page.get_by_text("Search finished").wait_for()
        found = page.locator("#search-results li a").all_inner_texts()
        assert "The rooms" in found
        page.locator("#search-results li a").first.click()
        page.wait_for_selector("article")
        assert problems == [] and all(url.startswith(("file:", "data:")) for url in asked)


def test_the_reference_is_the_sources(built):
    text = (built / "reference" / "instructions.html").read_text(encoding="utf-8")
    for field in {field.name for layout in isa.FIELDS.values() for field in layout}:
        assert f">{field}</span>" in text
    text = (built / "reference" / "python.html").read_text(encoding="utf-8")
    for name in accel.__all__:
        thing = getattr(accel, name)
        assert f'id="accel.{name}"' in text, name
        assert thing.__doc__
    text = (built / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in main.commands:
        assert f">accel {name}" in text
    for name in pictures.PICTURES:
        assert list((built / "_images").glob(f"{name}.png")), f"no page shows {name}"


def test_packages_that_are_missing_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(site, "NEEDS", {"sphinx": "sphinx", "no_such_package": "no-such-package"})
    with pytest.raises(site.DocsError, match=r"needs no-such-package: pip install"):
        site.build(tmp_path / "out")
    assert not any(tmp_path.iterdir())


WRONG = {
    "[there](nowhere.md)": "cross-reference target not found",
    "[there](index.md#nowhere)": "local id not found",
    "```{eval-rst}\n.. autofunction:: accel.run_faster\n```": "run_faster",
    "{py:func}`accel.run_faster`": "run_faster",
    "```{literalinclude} conf.py\n:start-at: no such line\n```": "no such line",
    "```{image} none.png\n```": "none.png",
}


def test_what_is_gone_is_an_error(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "conf.py").write_text((stage.PAGES / "conf.py").read_text())
    (source / "index.md").write_text("# Start\n\n" + "\n\n".join(WRONG) + "\n")
    code = (
        "import pathlib, sys\nfrom accel.docs import site\n"
        "site.html(*map(pathlib.Path, sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, source, tmp_path / "out", tmp_path / "trees"],
        cwd=stage.ROOT, text=True, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1 and "none may be" in done.stderr
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    for what in WRONG.values():
        assert any(what in line for line in warnings), (what, warnings)


def test_links_to_no_page_are_names(tmp_path, monkeypatch):
    (tmp_path / "reports").mkdir()
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "x.py").write_text("")
    for name in ("a", "b"):
        (tmp_path / "reports" / f"{name}.md").write_text("# Page\n")
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    page = tmp_path / "reports" / "a.md"
    page.write_text("[b](b.md#x), [code](../rtl/x.py), [x.py](../rtl/x.py), [c](c.md), [w](https://e)")
    assert stage.rebound(page) == (
        "[b](b.md#x), code (`rtl/x.py`), x.py, [c](c.md), [w](https://e)"
    )


def test_cells_with_bars_are_one():
    assert reference.table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"
