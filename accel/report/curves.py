"""The curves of a training run: loss, accuracy, and dying ReLUs where there are any."""

import pathlib
import textwrap
from collections.abc import Sequence

from accel.report.style import picture
from accel.report.words import counted

#: Colour-blind safe (Okabe and Ito).
_TRAINING, _HELD_BACK = "#0072B2", "#D55E00"


def draw(name: str, history: list[dict], path: pathlib.Path, caption: Sequence[str] = ()) -> None:
    """Write the curves of ``history`` (see accel.train.Trainer) to ``path`` (PNG).

    ``caption`` is what stands below them, line by line.
    """
    with picture(path, 1, 3, figsize=(12, 3.4 + 0.2 * len(caption))) as (figure, panels):
        _curves(panels, history)
        final = history[-1]
        figure.suptitle(
            f"{name}: {final['held_back_accuracy']:.2%} of the held-back images right after "
            f"{counted(final['epoch'], 'epoch')}, {counted(final['iterations'], 'iteration')}",
            fontsize=10,
        )
        lines = [textwrap.fill(line, 165, break_on_hyphens=False) for line in caption]
        figure.supxlabel("\n".join(lines), fontsize=7.5, parse_math=False)


def _curves(panels, history: list[dict]) -> None:
    """Loss, accuracy and dying ReLUs over the epochs."""
    from matplotlib import ticker

    loss, accuracy, dead = panels
    epochs = [epoch["epoch"] for epoch in history]
    for axes, key, factor in ((loss, "loss", 1), (accuracy, "accuracy", 100)):
        for prefix, label, colour in (
            ("", "training", _TRAINING), ("held_back_", "held back", _HELD_BACK)
        ):  # fmt: skip
            values = [factor * epoch[prefix + key] for epoch in history]
            axes.plot(epochs, values, color=colour, label=label, marker=".", markersize=4)
    loss.set(ylabel="loss")
    if min(epoch["loss"] for epoch in history) > 0:
        loss.set_yscale("log")
        loss.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        loss.yaxis.set_major_formatter("{x:g}")
        loss.yaxis.set_minor_formatter(ticker.NullFormatter())
    accuracy.set(ylabel="accuracy, %")
    accuracy.legend(fontsize=8, frameon=False)
    for layer in history[-1]["dead_relus"]:
        counts = [epoch["dead_relus"][layer] for epoch in history]
        shares = [100 * without / (units or 1) for without, units in counts]
        dead.plot(epochs, shares, label=layer, marker=".", markersize=4)
    dead.set(ylabel="units without any gradient, %", ylim=(-2, 102))
    if history[-1]["dead_relus"]:
        dead.legend(fontsize=8, frameon=False)
    for axes in (loss, accuracy, dead):
        axes.set(xlabel="epoch")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.set_xlim(*limits(epochs))
        axes.xaxis.set_major_locator(ticker.MaxNLocator(9, integer=True, min_n_ticks=1))


def limits(epochs: list[int]) -> tuple[float, float]:
    """What the epochs' axis spans: a margin of a twentieth, at most and for one epoch a half."""
    first, last = min(epochs), max(epochs)
    margin = min((last - first) / 20, 0.5) or 0.5
    return first - margin, last + margin
