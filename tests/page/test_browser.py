"""The page in a real browser, opened from a file: what a reader does, and what is then there."""

import dataclasses

import numpy as np
import pytest

from accel import golden, quant
from accel.graph import ports
from accel.isa import FLOATS, Rounding
from accel.page import bundle, check, network, probes
from tests.page.support import MARKUP, browser, module, opened, subject

NETWORK = "lenet5"


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    ours = subject(NETWORK)
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(written(ours))
    return file


def written(ours: network.Network) -> str:
    found = check.check(ours, module())
    return bundle.bundle(network.described(ours, module()) | {"check": found}, module().code)


@pytest.fixture
def page(chromium, path):
    found = opened(chromium, path)
    yield found
    assert found.problems == []
    # Nothing but the page itself and its own worker, which comes out of it.
    assert all(url.startswith(("file:", "blob:")) for url in found.asked)
    found.close()


@pytest.fixture(scope="module")
def instance():
    return check.Instance(module())


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_first_picture_is_answered_as_golden_says(page):
    ours = subject(NETWORK)
    right = golden.run(ours.graph, {ours.graph.inputs[0].tensor: ours.images[:1]})
    wanted = right[ours.graph.outputs[0].tensor][0].ravel()
    assert page.locator("#answer .class").inner_text() == str(wanted.argmax())
    assert [int(text) for text in page.locator(".bar-byte").all_inner_texts()] == wanted.tolist()
    found = check.check(ours, module())
    assert number(page.inner_text("#cycles")) == found["cycles"]
    assert page.inner_text("#network-name") == NETWORK
    assert page.inner_text("#machine-size") == "4 × 4"
    assert page.locator("#problem").is_hidden()


def test_the_bytes_in_the_page_are_goldens_in_every_layer(page):
    ours = subject(NETWORK)
    page.locator("#samples button").nth(1).click()
    page.wait_for_function("document.querySelector('#answer').textContent.includes('picture 2')")
    right = golden.run(ours.graph, {ours.graph.inputs[0].tensor: ours.images[1:2]})
    for layer in ours.program.layers:
        values = page.evaluate(
            "(name) => Array.from(about.layers.find((one) => one.output === name).maps.values)",
            layer.output,
        )
        assert np.array_equal(values, right[layer.output][0].ravel()), layer.name


def test_a_digit_drawn_with_the_mouse_is_what_golden_sees(page):
    """A stroke straight down is a one; the page's own bytes go to the golden model."""
    ours = subject(NETWORK)
    box = page.locator("#pad").bounding_box()
    page.locator("#clear").click()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 0.8 * box["height"], steps=10)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#answer').textContent.includes('your picture')")
    page.wait_for_timeout(300)
    shape = ours.images.shape[1:]
    name = ours.graph.inputs[0].tensor
    bytes_ = page.evaluate("(name) => Array.from(tensor(page.stepper.done.space, name))", name)
    image = np.array(bytes_, np.int8).reshape(1, *shape)
    assert (image > 0).sum() > 20
    right = golden.run(ours.graph, {name: image})[ours.graph.outputs[0].tensor][0].ravel()
    assert [int(text) for text in page.locator(".bar-byte").all_inner_texts()] == right.tolist()
    assert page.locator("#answer .class").inner_text() == str(right.argmax()) == "1"


def test_drawing_with_the_keyboard_and_clearing(page):
    page.locator("#clear").click()
    page.locator("#pad").focus()
    for key in ("ArrowUp", " ", "ArrowDown", " ", "ArrowDown", " "):
        page.keyboard.press(key)
    page.wait_for_function("document.querySelector('#answer').textContent.includes('your picture')")
    page.keyboard.press("Delete")
    page.wait_for_function("document.querySelector('#answer').textContent.includes('an empty')")


def test_a_pixels_sum_and_byte_are_written_out_and_found_in_the_array(page, instance):
    ours = subject(NETWORK)
    layer = ours.program.layers[1]
    maps = page.locator("#layer-1 canvas.maps")
    maps.click(position={"x": 20, "y": 12})
    told = page.locator("#pixel-what")
    assert told.get_attribute("data-same") == "true"
    at = page.evaluate("about.layers[1].maps.at")
    right = golden.run(ours.graph, {ours.graph.inputs[0].tensor: ours.images[:1]})
    assert int(told.get_attribute("data-byte")) == right[layer.output][0, at["y"], at["x"], at["c"]]
    # The sum, as the accumulators hold it behind the last vector of it.
    row = page.locator("#pixel-body tr[data-vector]").last
    leaves = number(row.locator("td").nth(5).inner_text())
    instance.begin(ours, ours.images[0])
    instance.advance(leaves + 3)
    cols = ours.program.params.cols
    held = np.concatenate(
        [instance.group(f"sums{bank}_{at['c'] % cols}") for bank in range(2)]
    )
    assert int(told.get_attribute("data-sum")) in held
    row.locator("button").click()
    page.wait_for_function("document.querySelectorAll('.cell.followed').length > 0")
    assert number(page.inner_text("#cycle")) < leaves


def test_stepping_a_thousand_cycles_shows_the_machines_counters(page, instance):
    """Cycle by cycle, by the page's own button; test_wasm holds them against other simulators."""
    ours = subject(NETWORK)
    start, count = 5000, 1000
    page.evaluate("(cycle) => page.stepper.seek(cycle)", start)
    page.wait_for_function(f"document.querySelector('#cycle').textContent === '{start:,}'")
    shown = page.evaluate("""async (count) => {
        const found = [];
        for (let n = 0; n < count; ++n) {
            const before = byId("cycle").textContent;
            byId("forward").click();
            while (byId("cycle").textContent === before) await new Promise((go) => setTimeout(go));
            found.push(Object.fromEntries([...document.querySelectorAll("#counters [data-counter]")]
                .map((row) => [row.dataset.counter, Number(row.dataset.value)])));
        }
        return found;
    }""", count)
    instance.begin(ours, ours.images[0])
    instance.advance(start)
    for n in range(count):
        instance.advance(1)
        record = dict(zip(probes.COUNTED, instance.group("counters").tolist(), strict=True))
        assert shown[n] == record | {"macs": int(instance.group("macs")[0])}, n


def test_steps_forward_and_back(page):
    """By vector, weight tile and layer; back by replay, to the same numbers."""
    page.evaluate("page.stepper.seek(3000)")
    page.wait_for_function("document.querySelector('#cycle').textContent === '3,000'")
    cells = page.inner_text("#array")
    for unit in ("cycle", "vector", "tile", "layer"):
        page.locator("#unit").select_option(unit)
        before = number(page.inner_text("#cycle"))
        for button, goes in (("#forward", 1), ("#back", -1)):
            now = page.inner_text("#cycle")
            page.locator(button).click()
            page.wait_for_function("(now) => document.querySelector('#cycle').textContent !== now",
                                   arg=now)  # fmt: skip
            assert (number(page.inner_text("#cycle")) - number(now)) * goes > 0
        if unit == "vector":
            assert "issues vector" in page.inner_text("#now")
        assert number(page.inner_text("#cycle")) <= before
        page.evaluate("page.stepper.seek(3000)")
        page.wait_for_function("document.querySelector('#cycle').textContent === '3,000'")
    assert page.inner_text("#array") == cells
    # Layers that have not begun are under grey stripes, and what is there stays.
    values = page.evaluate("Array.from(about.layers.at(-1).maps.values)")
    final = page.evaluate("Array.from(about.layers.at(-1).maps.final)")
    assert values != final
    page.locator("#last").click()
    page.wait_for_function("page.stepper.state.finished")
    assert page.evaluate("Array.from(about.layers.at(-1).maps.values)") == final


@pytest.mark.parametrize("width", [320, 768, 1600])
def test_every_width_holds_the_page(chromium, path, width):
    page = opened(chromium, path, width)
    page.locator("#layer-0 canvas.maps").click(position={"x": 20, "y": 20})
    page.evaluate("page.stepper.seek(2500)")
    page.wait_for_function("document.querySelector('#cycle').textContent === '2,500'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What is pressed is large enough for a finger, and what is read is not tiny.
    heights = page.evaluate("""[...document.querySelectorAll("button:not(.cell), select, .button")]
        .filter((one) => one.offsetParent).map((one) => one.offsetHeight)""")
    assert min(heights) >= 36
    names = page.evaluate("""[...document.querySelectorAll("canvas[role=img]")]
        .map((one) => one.getAttribute("aria-label"))""")
    assert names and all(names)
    assert page.problems == []
    page.close()


def test_names_with_markup_stay_text(chromium, tmp_path):
    ours = subject("shallow")
    nodes = tuple(
        dataclasses.replace(node, name=MARKUP) if node.name == "conv1" else node
        for node in ours.graph.nodes
    )
    graph = dataclasses.replace(ours.graph, name=MARKUP, nodes=nodes)
    (step,) = ours.program.steps
    layers = tuple(
        dataclasses.replace(layer, name=MARKUP, nodes=(MARKUP, *layer.nodes[1:]))
        if layer.name == "conv1" else layer
        for layer in step.layers
    )
    program = dataclasses.replace(
        ours.program, steps=(dataclasses.replace(step, layers=layers),)
    )
    file = tmp_path / "markup.html"
    file.write_text(written(dataclasses.replace(ours, graph=graph, program=program)))
    page = opened(chromium, file)
    assert page.inner_text("#network-name") == MARKUP
    page.locator("#layer-0 canvas.maps").click(position={"x": 20, "y": 20})
    assert MARKUP in page.inner_text("#pixel-what")
    page.evaluate("page.stepper.seek(400)")
    page.wait_for_function("document.querySelector('#cycle').textContent === '400'")
    assert MARKUP in page.inner_text("#layer-0 h3") and MARKUP in page.title()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.markup") is None and page.problems == []
    page.close()


@pytest.mark.parametrize("rounding", list(Rounding))
def test_the_pages_requantisation_is_quants(page, rounding):
    random = np.random.default_rng(int(rounding))
    sums = random.integers(-(1 << 31), 1 << 31, 400) >> random.integers(0, 30, 400)
    real = np.exp2(random.uniform(-31, 3, 400))
    found = (quant.float_multipliers if rounding in FLOATS
             else quant.quantize_multipliers)(real)  # fmt: skip
    wanted = [
        int(quant.requantise([int(value)], *map(int, pair), rounding, -3)[0])
        for value, *pair in zip(sums, *found, strict=True)
    ]
    conv = {"rounding": rounding.name, "zero": -3, "lo": -128, "hi": 127,
            "multiplier": found[0].tolist(), "shift": found[1].tolist()}  # fmt: skip
    got = page.evaluate(
        "([sums, conv]) => sums.map((sum, n) => requantised(sum, conv, n).byte)",
        [sums.tolist(), conv],
    )
    assert got == wanted


def test_the_pages_input_is_quantised_as_the_networks(page):
    ours = subject(NETWORK)
    values = np.linspace(-0.2, 1.2, 500, dtype=np.float32)
    port = ours.graph.inputs[0]
    tensor = ours.graph.tensors[port.tensor]
    wanted = ports.to_int8(values, tensor.scale, tensor.zero_point, port.away)
    assert page.evaluate("(v) => v.map(quantised)", values.tolist()) == wanted.tolist()
