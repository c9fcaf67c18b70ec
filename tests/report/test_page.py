"""The page of a report: the report's own numbers, the layers' own bytes, and no address."""

import base64
import dataclasses
import gzip
import json
import re

import numpy as np
import pytest

import accel
from accel.report import edges, inside, page
from tests.page.support import MARKUP, browser


@pytest.fixture(scope="module")
def run():
    return accel.run("notes", limit=1, array=(4, 4), engine="pysim", engines=True)


@pytest.fixture(scope="module")
def estimated():
    return accel.estimate("googlenet", engines=True)


def data(text: str) -> dict:
    packed = re.search(r'id="report-data">([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_page_holds_the_report_and_asks_for_nothing(run):
    text = page.render(run.report)
    assert data(text)["report"] == json.loads(json.dumps(run.report))
    named = text.replace("http://www.w3.org/2000/svg", "")  # what SVG is called
    assert not re.search(r"https?:|@import|url\((?!#)|src=|fetch\(|innerHTML", named)
    assert len(re.findall("<script", text)) == len(re.findall("</script>", text)) == 2
    assert "MIT" in (page._WEB / "vendor" / "dagre.min.js").read_text()
    licence = (page._WEB / "vendor" / "dagre.LICENSE").read_text()
    assert licence.startswith("Copyright (c)") and "without restriction" in licence


def test_a_name_with_markup_is_nowhere_in_the_file(run):
    text = page.render(run.report | {"network": MARKUP})
    assert data(text)["report"]["network"] == MARKUP
    assert MARKUP not in text


def test_layers_read_what_the_network_says(run, estimated):
    read = {row["name"]: row.get("inputs") for row in run.report["layers"]}
    assert read["conv1"] == ["input"] and read["dense1"] == ["conv1"]
    rows = {row["name"]: row for row in estimated["layers"]}
    assert rows["2_3x3_reduce_conv"]["inputs"] == ["lrn1"]  # a step of the host
    # Behind an inception module, four layers are concatenated, and the next four read them all.
    assert rows["3b_1x1_conv"]["inputs"] == [
        "3a_1x1_conv", "3a_3x3_conv", "3a_5x5_conv", "3a_pool_1x1_conv"
    ]  # fmt: skip
    for row in estimated["layers"]:
        assert set(row.get("inputs", ())) <= set(rows)
    assert sum(not row.get("inputs") for row in estimated["layers"]) == 1


def test_edges_end_where_a_network_goes_round_in_names(run):
    """A tensor that nothing makes is nobody's."""
    graph, (batch,) = run.inside.graph, run.inside.batches
    lost = dataclasses.replace(graph, inputs=())
    rows = run.report["layers"]
    assert edges.inputs(lost, batch, rows)["conv1"] == []


def test_a_runs_page_has_the_layers_bytes(run):
    found = inside.described(run.inside)
    assert list(found) == ["conv1", "dense1"]
    conv = found["conv1"]
    stored = run.layers[0].output[0]
    shown = np.frombuffer(base64.b64decode(conv["maps"]["bytes"]), np.int8)
    assert np.array_equal(shown.reshape(conv["maps"]["shape"]), stored)
    assert sum(conv["histogram"]) == stored.size and conv["differ"] == 0
    filters = np.frombuffer(base64.b64decode(conv["filters"]["bytes"]), np.int8)
    weights = run.inside.graph.nodes[0].weights
    assert np.array_equal(filters.reshape(conv["filters"]["shape"]), weights)
    assert found["dense1"]["filters"] is None
    assert data(page.render(run.report, found))["layers"] == json.loads(json.dumps(found))


def test_a_byte_that_differs_is_shown_beside_goldens(run):
    golden = {name: values.copy() for name, values in run.inside.golden.items()}
    output = run.layers[0].tensor
    golden[output].ravel()[0] ^= 1
    found = inside.described(dataclasses.replace(run.inside, golden=golden))
    assert found["conv1"]["differ"] == 1
    assert found["conv1"]["golden"]["bytes"] != found["conv1"]["maps"]["bytes"]
    assert found["dense1"]["differ"] == 0 and "golden" not in found["dense1"]


def test_large_maps_are_shown_with_gaps():
    values = np.arange(100 * 60 * 40).reshape(100, 60, 40).astype(np.int8)
    shown = inside._maps(values)
    assert (shown["step"], shown["of"], shown["shape"]) == (4, 40, (25, 15, 16))


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


def opened(chromium, path, text, width=1200):
    path.write_text(text)
    found = chromium.new_page(viewport={"width": width, "height": 800})
    found.problems = []
    found.on("console", lambda message: found.problems.append(message.text))
    found.on("pageerror", lambda error: found.problems.append(str(error)))
    found.goto(f"file://{path}")
    found.wait_for_selector("body[data-ready=yes]")
    return found


def reported(which, request):
    """A report, and its layers' bytes where they were computed."""
    if which == "mnist":
        made = accel.run("mnist", limit=1, array=(4, 4), engines=True)
    elif which in ("resnet50", "mobilenet"):
        made = accel.estimate(which, engines=True)
    else:
        made = request.getfixturevalue(which)
    return (made, None) if isinstance(made, dict) else (made.report, inside.described(made.inside))


@pytest.mark.parametrize("which", ["run", "mnist", "estimated", "resnet50", "mobilenet"])
def test_every_number_in_the_browser_is_the_reports(chromium, request, tmp_path, which):
    report, layers = reported(which, request)
    text = page.render(report, layers)
    assert len(text) < 5 << 20
    shown = opened(chromium, tmp_path / "index.html", text)
    cells = shown.evaluate("""[...document.querySelectorAll("#layer-table td[data-key]")]
        .map((cell) => [Number(cell.parentElement.dataset.row), cell.dataset.key,
                        JSON.parse(cell.dataset.value), cell.textContent])""")
    assert len(cells) == 11 * len(report["layers"])
    for row, key, value, text in cells:
        wanted = report["layers"][row].get(key)
        assert value == wanted, (row, key)
        if isinstance(wanted, int):
            assert int(text.replace(",", "")) == wanted
    totals = shown.evaluate("""Object.fromEntries(
        [...document.querySelectorAll("#totals tr[data-key]")]
        .map((row) => [row.dataset.key, JSON.parse(row.dataset.value)]))""")
    assert totals == {key: report["total"][key] for key in totals} and len(totals) >= 7
    causes = shown.evaluate("""Object.fromEntries([...document.querySelectorAll("[data-cause]")]
        .map((row) => [row.dataset.cause, Number(row.dataset.value)]))""")
    assert causes == {"busy": report["total"]["busy"], **report["total"]["idle"]}
    assert shown.locator("#graph .node").count() == len(report["layers"])
    edges_ = sum(len(row.get("inputs", ())) for row in report["layers"])
    assert shown.locator("#graph .edge").count() == edges_
    assert shown.problems == []
    shown.close()


def test_layers_are_chosen_and_the_timeline_zooms(chromium, estimated, tmp_path):
    shown = opened(chromium, tmp_path / "index.html", page.render(estimated))
    shown.locator("#graph .node").nth(3).focus()
    shown.keyboard.press("Enter")
    assert shown.inner_text("#layer-name") == estimated["layers"][3]["name"]
    assert shown.locator("#layer-table tr.chosen").get_attribute("data-row") == "3"
    whole = shown.inner_text("#time-at")
    shown.locator("#timeline").focus()
    for _ in range(12):
        shown.keyboard.press("+")
    first, last = (int(text.replace(",", "")) for text in
                   re.findall(r"[\d,]+", shown.inner_text("#time-at")))  # fmt: skip
    assert 0 < last - first < estimated["total"]["cycles"] / 1000
    shown.keyboard.press("0")
    assert shown.inner_text("#time-at") == whole
    before = shown.locator("#graph svg").get_attribute("viewBox")
    shown.locator("#graph-in").click()
    assert shown.locator("#graph svg").get_attribute("viewBox") != before
    assert shown.problems == []
    shown.close()


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_every_width_holds_the_report(chromium, run, tmp_path, width):
    text = page.render(run.report, inside.described(run.inside))
    shown = opened(chromium, tmp_path / "index.html", text, width)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.problems == []
    shown.close()


def test_names_with_markup_stay_text(chromium, run, tmp_path):
    report = json.loads(json.dumps(run.report).replace("conv1", MARKUP)) | {"network": MARKUP}
    shown = opened(chromium, tmp_path / "index.html", page.render(report))
    assert MARKUP in shown.inner_text("#title") and MARKUP in shown.inner_text("#layer-table")
    shown.locator("#layer-table tbody button").nth(1).click()
    assert shown.inner_text("#layer-name") == MARKUP
    assert shown.locator("img").count() == 0 and shown.evaluate("window.markup") is None
    assert shown.problems == []
    shown.close()


@pytest.mark.parametrize("which", ["run", "estimated"])
def test_every_convolutions_formula_has_the_reports_numbers(chromium, request, tmp_path, which):
    made = request.getfixturevalue(which)
    report = made if isinstance(made, dict) else made.report
    shown = opened(chromium, tmp_path / "index.html", page.render(report))
    seen = 0
    for number, row in enumerate(report["layers"]):
        if "conv" not in row:
            continue
        shown.locator(f"#layer-table tr[data-row='{number}'] button").click()
        factors, result = shown.inner_text("#formula").split(" multiplications")[0].split(" = ")
        product = 1
        for factor in re.findall(r"[\d,]+", factors):
            product *= int(factor.replace(",", ""))
        assert product == int(result.replace(",", "")) == row["macs"], row["name"]
        seen += 1
    assert seen == sum(row["macs"] > 0 for row in report["layers"]) > 1
    assert shown.problems == []
    shown.close()
