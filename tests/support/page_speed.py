"""How quick the page is in a browser: the RTL's cycles a second, the first answer, frames.

    python -m tests.support.page_speed [FILE.html] [--report FILE]

FILE is a page that ``accel page`` wrote; by default reports/page/lenet5.html.  Its first picture is
computed several times in Chromium, from a file; the frames are counted while nothing is done.
"""

import argparse
import pathlib
import statistics
import time

from accel.bench.header import header
from tests.page.support import browser, opened

ROOT = pathlib.Path(__file__).parents[2]
RUNS, OPENED, IDLE_SECONDS = 20, 5, 3

_RUN = """async (count) => {
    const found = [], bytes = about.samples[0].bytes;
    for (let n = 0; n < count; ++n) {
        const done = await page.machine.ask("run", { space: withPicture(bytes) });
        found.push(done.cycle / done.seconds);
    }
    return found;
}"""
_FRAMES = """(seconds) => new Promise((told) => {
    let frames = 0, began = null;
    const next = (now) => {
        began ??= now;
        if (now - began > 1000 * seconds) told(frames / (now - began) * 1000);
        else { ++frames; requestAnimationFrame(next); }
    };
    requestAnimationFrame(next);
})"""


def measure(path: pathlib.Path) -> dict[str, float]:
    """All figures of a page."""
    with browser() as chromium:
        firsts = []
        for _ in range(OPENED):
            began = time.perf_counter()
            shown = opened(chromium, path)
            firsts.append(time.perf_counter() - began)
            if len(firsts) < OPENED:
                shown.close()
        rates = shown.evaluate(_RUN, RUNS)
        frames = shown.evaluate(_FRAMES, IDLE_SECONDS)
        version = chromium.version
    return {"rate": statistics.median(rates), "first": statistics.median(firsts),
            "frames": frames, "version": version}  # fmt: skip


def page_of(found: dict, path: str, command: str) -> str:
    """The report."""
    cpu = header()["machine"]
    return f"""# How quick the page is

`{command}`, {time.strftime("%Y-%m-%d")}, {cpu["cpu"]},
{cpu["cores"]} cores, headless Chromium {found["version"]}: `{path}`, opened from a file.

| figure | measured | wanted |
|---|---:|---:|
| cycles of the RTL a second, median of {RUNS} runs | {found["rate"]:,.0f} | 300,000 |
| from opening the file to the first answer, median of {OPENED} | {found["first"]:.2f} s | 2 s |
| frames a second while nothing is done | {found["frames"]:.1f} | 60 |
"""


def main() -> None:
    """Measure a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", nargs="?", type=pathlib.Path,
                        default=ROOT / "reports" / "page" / "lenet5.html")  # fmt: skip
    parser.add_argument("--report", type=pathlib.Path)
    asked = parser.parse_args()
    found = measure(asked.page.resolve())
    text = page_of(found, asked.page.name, "python -m tests.support.page_speed")
    print(text)
    if asked.report:
        asked.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
