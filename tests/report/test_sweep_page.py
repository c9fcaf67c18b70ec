"""The page of a sweep: the results' own numbers, filters, a machine in full, its command."""

import base64
import gzip
import json
import re
import shlex

import click.testing
import pytest

import accel
from accel import pareto
from accel.cli import main
from accel.dse.point import Point
from accel.dse.rows import read
from accel.machines import open_machine
from accel.report import sweep_page
from tests.page.support import MARKUP, browser, opened


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    done = call("sweep", "shallow", "--machine", "small", "--array", "4x4,8x8,8x16", "--jobs", 1,
                "--latency", "10,40", "--batch", "1,3", "--set", "queue_depth=2,8",
                "--post-lanes", "2,3", "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.output
    return out, read(out / "results.parquet")


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def shown(chromium, swept):
    page = opened(chromium, swept[0] / "index.html")
    yield page
    assert page.problems == [] and len(page.asked) == 1
    page.close()


def test_the_page_holds_the_results_and_asks_for_nothing(swept):
    out, rows = swept
    text = (out / "index.html").read_text()
    packed = re.search(r'id="sweep-data">([^<]*)<', text)[1]
    assert json.loads(gzip.decompress(base64.b64decode(packed)))["rows"] == rows
    assert sum(row["status"] == "failed" for row in rows) == len(rows) / 2
    named = text.replace("http://www.w3.org/2000/svg", "")  # what SVG is called
    assert not re.search(r"https?:|@import|url\((?!#)|src=|fetch\(|innerHTML", named)


def commanded(row, name="shallow"):
    return shlex.split(sweep_page.command_of(row, name))[2:]


def test_a_points_command_counts_its_cycles(swept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = [row for row in swept[1] if row["status"] == "ok"]
    short = [row for row in good if row["queue_depth"] == 8]
    assert len(short) == len(good) / 2
    for row in short[::3]:
        assert "--machine" in commanded(row) and "machine.toml" not in commanded(row)
        assert call("estimate", *commanded(row), "--out", "out").exit_code == 0
        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert report["total"]["cycles"] == row["cycles"]
    odd = next(row for row in good if row["queue_depth"] == 2 and row["batch"] == 3)
    assert commanded(odd) == ["shallow", "--batch", "3", "--machine", "machine.toml"]


def test_commands_are_quoted_and_of_the_nearest_machine():
    point = Point(32, 32)
    row = {name: getattr(point, name) for name in Point.__dataclass_fields__}
    assert sweep_page.command_of(row, "a b.onnx") == "accel estimate 'a b.onnx' --array 32x32"


def test_every_number_in_the_browser_is_the_results(shown, swept):
    rows = swept[1]
    cells = shown.evaluate("""[...document.querySelectorAll("#point-table [data-key]")]
        .map((cell) => [Number(cell.parentElement.dataset.row), cell.dataset.key,
                        JSON.parse(cell.dataset.value), cell.textContent])""")
    good = [n for n, row in enumerate(rows) if row["status"] == "ok"]
    assert {n for n, *_ in cells} == set(good)
    made = {
        "array": lambda row: f"{row['rows']}x{row['cols']}",
        "cycles_per_image": pareto.cycles_per_image,
        "bytes_moved": lambda row: (row["bytes_read"] + row["bytes_written"]) / row["batch"],
    }  # fmt: skip
    for n, key, value, text in cells:
        wanted = made[key](rows[n]) if key in made else rows[n][key]
        assert value == pytest.approx(wanted), (n, key)
        if key == "cycles":
            assert int(text.replace(",", "")) == wanted
    keys = {key for _, key, *_ in cells}
    assert keys >= {"array", "latency", "batch", "queue_depth", "pareto"}
    assert "bus_bytes" not in keys  # the same everywhere
    assert shown.locator("#scatter .point").count() == len(good)
    assert shown.locator("#scatter .best").count() == sum(bool(row["pareto"]) for row in rows)
    assert "post_lanes must be a power of two" in shown.inner_text("#failed-table")


def front(rows, across, up):
    """The points that none beats in both: by looking at all pairs."""
    figures = [(across(row), up(row)) for row in rows]
    def beaten(one):
        return any(a <= one[0] and b <= one[1] and (a, b) != one for a, b in figures)

    return {one for one in figures if not beaten(one)}


def test_the_line_is_the_front_of_what_is_shown(shown, swept):
    rows = swept[1]
    shown.locator("#filter summary").click()
    for across, up, off in (("pes", "cycles_per_image", None), ("buffer_bytes", "cycles", None),
                            ("pes", "cycles_per_image", ("batch", "3")),
                            ("bytes_moved", "pes", ("array", "8x8"))):  # fmt: skip
        shown.select_option("#across", across)
        shown.select_option("#up", up)
        if off:
            shown.locator(f"fieldset[data-field={off[0]}] input[value='{off[1]}']").uncheck()
        left = [int(row.get_attribute("data-row"))
                for row in shown.locator("#point-table tr[data-row]").all()]
        assert off is None or len(left) < sum(row["status"] == "ok" for row in rows)
        measure = {
            "pes": lambda row: row["pes"], "buffer_bytes": lambda row: row["buffer_bytes"],
            "cycles": lambda row: row["cycles"], "cycles_per_image": pareto.cycles_per_image,
            "bytes_moved": lambda row: (row["bytes_read"] + row["bytes_written"]) / row["batch"],
        }  # fmt: skip
        found = json.loads(shown.locator("#scatter svg").get_attribute("data-front"))
        assert {(measure[across](rows[n]), measure[up](rows[n])) for n in found} == front(
            [rows[n] for n in left], measure[across], measure[up])
    assert shown.inner_text("#shown").startswith(f"{len(left)} of ")


def test_a_point_opens_its_machine_in_full(shown, swept, tmp_path):
    rows = swept[1]
    n = next(n for n, row in enumerate(rows) if row["status"] == "ok" and row["queue_depth"] == 2)
    shown.locator(f"#scatter .point[data-row='{n}']").dispatch_event("click")
    assert shown.locator("#point-table tr.chosen").get_attribute("data-row") == str(n)
    assert shown.inner_text("#estimate") == sweep_page.command_of(rows[n], "shallow")
    with shown.expect_download() as download:
        shown.locator("#save").click()
    download.value.save_as(tmp_path / "machine.toml")
    assert (tmp_path / "machine.toml").read_text() == shown.text_content("#machine-file")
    machine = open_machine(tmp_path / "machine.toml")
    point = Point(**{name: rows[n][name] for name in Point.__dataclass_fields__})
    assert (machine.params, machine.memory) == (point.params(), point.memory())
    cycles = accel.estimate("shallow", machine=machine, batch=rows[n]["batch"])["total"]["cycles"]
    assert cycles == rows[n]["cycles"]
    row = shown.locator("#figures tr", has=shown.get_by_text("cycles", exact=True))
    assert row.locator("td").inner_text() == f"{cycles:,}"


def test_the_table_sorts(shown, swept):
    shown.locator("th[data-column=utilisation] button").click()
    shown.locator("th[data-column=utilisation] button").click()
    values = [float(value) for value in shown.evaluate(
        "[...document.querySelectorAll('[data-key=utilisation]')].map((c) => c.dataset.value)")]
    assert values == sorted(values, reverse=True) and len(set(values)) > 3
    assert shown.locator("th[aria-sort=descending]").get_attribute("data-column") == "utilisation"


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_every_width_holds_the_page(chromium, swept, width):
    page = opened(chromium, swept[0] / "index.html", width)
    page.locator("#filter summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_names_with_markup_stay_text(chromium, swept, tmp_path):
    rows = [dict(row) for row in swept[1]]
    for row in rows:
        row["error"] = row["error"] and MARKUP
    sweep_page.write(tmp_path / "index.html", rows, MARKUP, MARKUP, f"accel sweep {MARKUP}", MARKUP)
    assert MARKUP not in (tmp_path / "index.html").read_text()
    page = opened(chromium, tmp_path / "index.html")
    for place in ("#title", "#command", "#summary", "#failed-table", "#estimate"):
        assert MARKUP in page.inner_text(place), place
    assert page.locator("img").count() == 0 and page.evaluate("window.markup") is None
    assert page.problems == []
    page.close()


def test_a_sweep_of_which_all_failed_has_a_page(chromium, tmp_path):
    done = call("sweep", "notes", "--array", "4x4", "--post-lanes", "3", "--out", tmp_path)
    assert done.exit_code == 2
    page = opened(chromium, tmp_path / "index.html")
    assert "1 point failed" in page.inner_text("#summary") and page.problems == []
    page.close()


def test_thousands_of_points_are_dots_and_the_first_ones_rows(chromium, swept, tmp_path):
    good = [row for row in swept[1] if row["status"] == "ok"]
    rows = [good[n % len(good)] | {"cycles": 9000 + n, "batch": 1} for n in range(2000)]
    sweep_page.write(tmp_path / "index.html", rows, "shallow", "shallow", None, "model")
    assert (tmp_path / "index.html").stat().st_size < 1_000_000
    page = opened(chromium, tmp_path / "index.html")
    assert page.locator("#scatter .point").count() == 2000
    assert page.locator("#point-table tbody tr").count() == 300
    assert "The first 300 of 2,000" in page.inner_text("#point-table")
    assert page.locator("#point-table tbody tr").first.get_attribute("data-row") == "0"
    page.close()
