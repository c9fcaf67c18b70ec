"""The page of a training run: history.json's numbers, the network's own filters and answers."""

import base64
import gzip
import json
import re

import click.testing
import numpy as np
import pytest

from accel import models
from accel.cli import main
from accel.report import train_page
from accel.train.answers import answers
from accel.train.data import Dataset
from accel.train.watch import Norms, first_filters
from tests.page.support import MARKUP, browser, opened
from tests.train import small


def call(*arguments):
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    with np.load(models.DIGITS) as file:
        np.savez(folder / "few.npz", images=file["images"][:300], labels=file["labels"][:300])
    done = call("train", "shallow", "--data", folder / "few.npz", "--held-back", 100,
                "--epochs", 3, "--out", folder / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder / "out"


def data(text):
    return json.loads(gzip.decompress(base64.b64decode(
        re.search(r'id="train-data">([^<]*)<', text)[1])))  # fmt: skip


def unpacked(array, dtype):
    return np.frombuffer(base64.b64decode(array["bytes"]), dtype).reshape(array["shape"])


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def shown(chromium, trained):
    page = opened(chromium, trained / "index.html")
    yield page
    assert page.problems == [] and len(page.asked) == 1
    page.close()


def test_the_page_holds_the_history_and_asks_for_nothing(trained):
    text = (trained / "index.html").read_text()
    found, history = data(text), json.loads((trained / "history.json").read_text())
    assert {name: found[name] for name in history} == history
    assert len(history["epochs"]) == 3
    named = text.replace("http://www.w3.org/2000/svg", "")  # what SVG is called
    assert not re.search(r"https?:|@import|url\((?!#)|src=|fetch\(|innerHTML", named)
    assert len(text) < 1_000_000


def test_filters_are_those_of_each_epoch(trained):
    found = data((trained / "index.html").read_text())["filters"]
    filters = unpacked(found, np.float32)
    assert found["layer"] == "conv1" and filters.shape == (4, 8, 1, 3, 3)
    with np.load(trained / "checkpoint.npz") as file:
        assert np.array_equal(filters[-1], file["parameters/conv1.weights"])
    network = models.NETWORKS["shallow"].build()
    network.initialise(data((trained / "index.html").read_text())["settings"]["seed"])
    assert np.array_equal(filters[0], network.parameters()["conv1.weights"])
    assert all(not np.array_equal(*pair) for pair in zip(filters, filters[1:], strict=False))


def test_filters_and_norms_go_on_where_they_were(tmp_path):
    whole, first, second = small.trainer(), small.trainer(), small.trainer()
    whole.run(4)
    first.run(2, save_to=tmp_path / "c.npz")
    second.resume(tmp_path / "c.npz")
    second.run(4)
    assert len(whole.filters) == 5 and np.array_equal(whole.filters, second.filters)
    assert whole.history == second.history


def test_checkpoints_of_earlier_versions_have_no_filters(tmp_path):
    first, second = small.trainer(), small.trainer()
    first.run(2)
    first.filters = []
    first.save(tmp_path / "c.npz")
    second.resume(tmp_path / "c.npz")
    second.run(3)
    assert len(second.filters) == 1
    assert np.array_equal(second.filters[0], first_filters(second.network)[1])


def test_norms_are_the_mean_lengths_of_gradients():
    norms = Norms()
    norms.add({"w": np.array([[3.0, 0.0], [0.0, 4.0]], np.float32)})
    norms.add({"w": np.zeros((2, 2), np.float32)})
    assert norms.means == {"w": 2.5}


def test_answers_are_the_networks():
    trainer = small.trainer()
    trainer.run(1)
    found = answers(trainer.network, trainer.held_back)
    said = trainer.network.forward(trainer.held_back.images).argmax(axis=1)
    labels = trainer.held_back.labels
    for label in (0, 1):
        for answer in (0, 1):
            assert found["table"][label][answer] == ((labels == label) & (said == answer)).sum()
    assert found["wrong"] == (said != labels).sum() == len(found["worst"]) or found["wrong"] > 40


class Fixed:
    """A network with known outputs."""

    def __init__(self, outputs):
        self._outputs = np.array(outputs, np.float32)

    def forward(self, images):
        return self._outputs[: len(images)]


def test_the_surest_mistakes_come_first():
    images = np.zeros((4, 3, 100, 50), np.float32)
    images[2, :, 0, 0] = 2, 1, 0
    outputs = [[3, 0], [1, 0], [9, 0], [0, 5]]
    found = answers(Fixed(outputs), Dataset(images, np.array([0, 1, 1, 1])))
    assert found["wrong"] == 2 and found["table"] == [[1, 0], [2, 1]]
    first, second = found["worst"]
    assert first["sure"] == pytest.approx(1 / (1 + np.exp(-9))) and second["sure"] < 0.75
    assert (first["label"], first["answer"], first["image"].shape) == (1, 0, (50, 25, 3))
    assert first["image"][0, 0].tolist() == [255, 128, 0]


def test_one_output_says_yes_or_no():
    found = answers(Fixed([[0.9], [0.2]]), Dataset(np.zeros((2, 1, 6, 6)), np.array([1.0, 1.0])))
    assert found["table"] == [[0, 0], [1, 1]]
    assert found["worst"][0]["sure"] == pytest.approx(0.8)


def test_every_number_in_the_browser_is_the_historys(shown, trained):
    history = json.loads((trained / "history.json").read_text())["epochs"]
    cells = shown.evaluate("""[...document.querySelectorAll("#epoch-table td")]
        .map((cell) => [Number(cell.parentElement.dataset.row), cell.dataset.key,
                        JSON.parse(cell.dataset.value)])""")
    for row, key, value in cells:
        name, _, part = key.partition("/")
        assert value == (history[row][name][part] if part else history[row][name])
    flat = sum(len(value) if isinstance(value, dict) else 1 for value in history[0].values())
    assert len(cells) == 3 * flat and flat > 12
    found = data((trained / "index.html").read_text())["answers"]
    table = shown.evaluate("""[...document.querySelectorAll("#answers-table td")]
        .map((cell) => [Number(cell.dataset.label), Number(cell.dataset.answer),
                        Number(cell.textContent)])""")
    assert all(found["table"][label][answer] == number for label, answer, number in table)
    assert sum(number for *_, number in table) == 100
    right = sum(found["table"][n][n] for n in range(10))
    assert right / 100 == history[-1]["held_back_accuracy"]
    assert shown.locator("#worst figure").count() == min(40, 100 - right)
    for chart, lines in (("loss", 2), ("accuracy", 2), ("gradients", 6), ("dead", 2)):
        assert shown.locator(f"#{chart} .curve").count() == lines
        assert shown.locator(f"#{chart} .curve-dot").count() == 3 * lines


def test_filters_change_with_the_epoch(shown):
    def pixels():
        return shown.evaluate("document.getElementById('filters-canvas').toDataURL()")

    last = pixels()
    shown.locator("#epoch").focus()
    shown.keyboard.press("Home")
    assert shown.inner_text("#filters-epoch") == "Before the first epoch" and pixels() != last
    shown.keyboard.press("ArrowRight")
    assert shown.inner_text("#filters-epoch") == "After epoch 1 of 3"
    shown.keyboard.press("End")
    assert pixels() == last


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_every_width_holds_the_page(chromium, trained, width):
    page = opened(chromium, trained / "index.html", width)
    page.locator("details summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_names_with_markup_stay_text(chromium, tmp_path):
    trainer = small.trainer()
    trainer.run(1)
    epoch = {**trainer.history[0], "dead_relus": {MARKUP: [0, 4]}, "gradient_norms": {MARKUP: 1.0}}
    facts = {"epochs": [epoch], "images": MARKUP, "settings": {MARKUP: MARKUP}, "note": MARKUP}
    filters = MARKUP, np.array(trainer.filters)
    found = answers(trainer.network, trainer.held_back)
    train_page.write(tmp_path / "index.html", MARKUP, facts, filters, found, MARKUP)
    assert MARKUP not in (tmp_path / "index.html").read_text()
    page = opened(chromium, tmp_path / "index.html")
    for place in ("#title", "#images", "#note", "#command", "#gradients", "#dead",
                  "#filters-layer", "#settings"):  # fmt: skip
        assert MARKUP in page.inner_text(place), place
    assert page.locator("img").count() == 0 and page.evaluate("window.markup") is None
    assert page.problems == []
    page.close()


def test_a_history_without_gradients_or_filters_is_shown(chromium, tmp_path):
    trainer = small.trainer()
    trainer.run(1)
    epoch = {name: value for name, value in trainer.history[0].items() if name != "gradient_norms"}
    facts = {"epochs": [epoch], "images": "", "settings": {}, "note": ""}
    found = answers(trainer.network, trainer.held_back)
    train_page.write(tmp_path / "index.html", "tiny", facts, None, found)
    page = opened(chromium, tmp_path / "index.html")
    assert page.locator("#filters").is_hidden() and page.problems == []
    assert "nothing to draw" in page.inner_text("#gradients")
    page.close()


def test_of_many_layers_a_dozen_are_drawn_and_all_in_the_table(chromium, tmp_path):
    norms = {f"conv{n}.{part}": n + 1.0 for n in range(30) for part in ("weights", "bias")}
    dead = {f"relu{n}": [n, 64] for n in range(20)}
    trainer = small.trainer()
    trainer.run(1)
    epoch = trainer.history[0] | {"gradient_norms": norms, "dead_relus": dead}
    facts = {"epochs": [epoch, epoch | {"epoch": 2}], "images": "", "settings": {}, "note": ""}
    found = answers(trainer.network, trainer.held_back)
    train_page.write(tmp_path / "index.html", "many", facts, None, found)
    page = opened(chromium, tmp_path / "index.html")
    for chart, first, last in (("gradients", "conv0.weights", "conv29.weights"),
                               ("dead", "relu0", "relu19")):  # fmt: skip
        names = page.locator(f"#{chart} .legend span").all_inner_texts()
        assert len(names) == 12 and (names[0].strip(), names[-1].strip()) == (first, last)
        assert "the table has all" in page.inner_text(f"#{chart}")
    assert page.locator("#epoch-table td[data-key^='gradient_norms/']").count() == 2 * 60
    assert page.problems == []
    page.close()
